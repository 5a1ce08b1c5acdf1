import { topics } from '../api/envelope.ts'
import type { Bus, Subscription } from '../ports/bus.ts'
import type { Ledger } from '../ports/ledger.ts'
import { ledgerGroup } from './ledger.ts'

export interface DeadLetterSinkDependencies {
  readonly bus: Pick<Bus, 'subscribeToDeadLetters'>
  readonly ledger: Pick<Ledger, 'keep'>
}

/** Keeps what was put aside of every topic where people find it. A take rejects to have the same letters again. */
export const startDeadLetterSink = async ({ bus, ledger }: DeadLetterSinkDependencies): Promise<Subscription> => {
  const subscriptions: Subscription[] = []
  for (const topic of topics) {
    subscriptions.push(await bus.subscribeToDeadLetters(topic, ledgerGroup, (letters) => ledger.keep(letters)))
  }
  return {
    close: async () => void (await Promise.all(subscriptions.map((subscription) => subscription.close()))),
  }
}
