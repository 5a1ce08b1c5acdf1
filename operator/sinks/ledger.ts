import type { Message } from '../api/envelope.ts'
import type { Bus, Subscription } from '../ports/bus.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ledger } from '../ports/ledger.ts'
import { rest, type Timer } from '../ports/timer.ts'

export interface LedgerSinkMetrics {
  /** `newest`: when the newest of them happened, in epoch milliseconds */
  appended(events: number, newest: number): void
  failed(): void
}

export interface LedgerSinkDependencies {
  readonly bus: Pick<Bus, 'subscribe'>
  readonly ledger: Pick<Ledger, 'append'>
  /** Events that one insert gets at most; a batch that the bus hands over is never split. */
  readonly batchSize?: number
  /**
   * Milliseconds between the beginnings of two inserts, while few events at a time keep coming: small inserts cost as much
   * as large ones, and each leaves a part behind that is merged, and loaded at the next start.
   */
  readonly intervalMs?: number
  readonly clock: Pick<Clock, 'monotonic'> & { readonly after: Timer }
  readonly metrics: LedgerSinkMetrics
}

interface Waiting {
  readonly messages: readonly Message[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Events of an insert that is worth its price: a bus that has more does not hand it over before the insert is through. */
const largeInsert = 500

/** Name of the sink's group on the bus. */
export const ledgerGroup = 'ledger'

/**
 * Writes every normalised event into the ledger. What the bus hands over while an insert is under way goes into the
 * next one together; a take resolves when its events are safe, and rejects to have them again.
 */
export const startLedgerSink = ({
  bus,
  ledger,
  batchSize = 5_000,
  intervalMs = 500,
  clock,
  metrics,
}: LedgerSinkDependencies): Promise<Subscription> => {
  const waiting: Waiting[] = []
  let running = false
  let wake: (() => void) | undefined

  const next = (): Waiting[] => {
    let count = 0
    let takes = 0
    for (const { messages } of waiting) {
      count += messages.length
      if (takes > 0 && count > batchSize) break
      takes++
    }
    return waiting.splice(0, takes)
  }

  /** So much waits that an insert of it is worth its price. */
  const isEnough = (): boolean =>
    waiting.reduce((count, { messages }) => count + messages.length, 0) >= Math.min(largeInsert, batchSize)

  const enoughWaits = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve
    })

  const run = async (): Promise<void> => {
    running = true
    for (let batch = next(); batch.length > 0; batch = next()) {
      const began = clock.monotonic()
      const messages = distinct(batch)
      try {
        await ledger.append(messages)
        metrics.appended(messages.length, newestOf(messages))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        metrics.failed()
        for (const { reject } of batch) reject(error)
      }
      const restMs = began + intervalMs - clock.monotonic()
      if (restMs > 0 && messages.length < largeInsert && !isEnough()) await rest(clock.after, restMs, enoughWaits())
    }
    running = false
  }

  return bus.subscribe(
    'events.normalized',
    ledgerGroup,
    (messages) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ messages, resolve, reject })
        if (!running) void run()
        else if (isEnough()) wake?.()
      }),
  )
}

/** Republished events meet their originals here more often than anywhere. */
const distinct = (batch: readonly Waiting[]): Message[] => {
  const byId = new Map<string, Message>()
  for (const { messages } of batch) for (const message of messages) byId.set(message.event.id, message)
  return [...byId.values()]
}

const newestOf = (messages: readonly Message[]): number =>
  messages.reduce((newest, { event }) => Math.max(newest, Date.parse(event.ts)), 0)
