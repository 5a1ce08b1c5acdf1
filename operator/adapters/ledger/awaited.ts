import type { Failure, Result } from '../../api/result.ts'
import { success } from '../../api/result.ts'
import type { Ledger } from '../../ports/ledger.ts'

export interface AwaitedLedgerDependencies {
  /** The whole of it, from the client on: it is called again until there is a ledger. */
  readonly open: () => Promise<Result<Ledger>>
  /** Milliseconds; over at once when the signal is given. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Milliseconds to wait after so many failures. */
  readonly backoff: (failures: number) => number
  readonly log: { info(data: object, message: string): void; warn(data: object, message: string): void }
  /** How long whoever starts waits for the first answer, in milliseconds. */
  readonly patienceMs?: number
}

/**
 * A ledger that may be away. No decision reads it, so nobody waits for it: until it is there appends and questions are
 * rejected, which leaves events on the bus, and in etcd behind it. Fails only when its first answer is that waiting will
 * not do, such as a wrong password: then somebody is there to set it right.
 */
export const awaitLedger = async ({
  open,
  sleep,
  backoff,
  log,
  patienceMs = 5_000,
}: AwaitedLedgerDependencies): Promise<Result<Ledger>> => {
  const closing = new AbortController()
  const patience = new AbortController()
  const opening = open()
  const first = await Promise.race([opening, sleep(patienceMs, patience.signal).then(() => undefined)])
  patience.abort()
  if (first && (first.ok || !first.failure.retry)) return first

  let ledger: Ledger | undefined
  let message = 'ledger: gives no answer yet'
  const away = (failure: Failure): void => {
    // The same every few seconds would bury the rest.
    if (failure.message !== message) log.warn(failure, 'the ledger is away; changes go on, and their events wait')
    message = failure.message
  }
  const keepOpening = async (): Promise<void> => {
    for (let failures = 1, next = await opening; ; failures++, next = await open()) {
      if (next.ok) {
        ledger = next.value
        log.info({}, 'the ledger is open')
        return
      }
      away(next.failure)
      await sleep(backoff(failures), closing.signal)
      if (closing.signal.aborted) return
    }
  }
  const opened = keepOpening()
  const there = async (): Promise<Ledger> => {
    if (ledger) return ledger
    throw new Error(message)
  }
  return success({
    append: async (messages) => (await there()).append(messages),
    query: async (query) => (await there()).query(query),
    stats: async (query) => (await there()).stats(query),
    happened: async (filter, page) => (await there()).happened(filter, page),
    arrived: async (filter, page) => (await there()).arrived(filter, page),
    count: async (filter) => (await there()).count(filter),
    keep: async (letters) => (await there()).keep(letters),
    deadLetters: async (query) => (await there()).deadLetters(query),
    bytesOf: async (id) => (await there()).bytesOf(id),
    markReplayed: async (ids, at) => (await there()).markReplayed(ids, at),
    close: async () => {
      closing.abort()
      await opened
      await ledger?.close()
    },
  })
}
