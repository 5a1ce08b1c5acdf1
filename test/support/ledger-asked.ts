import type { Bus } from '../../operator/ports/bus.ts'
import type { Ledger } from '../../operator/ports/ledger.ts'

const nobody = () => Promise.reject(new Error('nobody asked'))

/** A ledger that answers what the test says, and nothing else. */
export const ledgerAsked = (answers: Partial<Ledger>): Ledger => ({
  append: nobody,
  query: nobody,
  stats: nobody,
  happened: nobody,
  arrived: nobody,
  count: nobody,
  keep: nobody,
  deadLetters: nobody,
  bytesOf: nobody,
  markReplayed: nobody,
  close: nobody,
  ...answers,
})

/** A bus that takes nothing. */
export const noBus: Pick<Bus, 'republish'> = { republish: nobody }
