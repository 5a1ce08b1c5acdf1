import type { Bytecode } from 'gremlin'
import { failure, type Result, success } from '../../api/result.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Timer } from '../../ports/timer.ts'
import { type Answer, type Channel, makeChannel } from './channel.ts'
import { type OpenDriver, openDriver } from './driver.ts'
import { askEngine, type Fetch, hasStatus } from './engine.ts'
import { errorOf, failureOf, type Kind, type Problem } from './failure.ts'
import { type AwsCredentialsProvider, makeSigner } from './signing.ts'

export interface SubmitOptions {
  readonly write: boolean
  /** of each attempt; default: that of the connection */
  readonly timeoutMs?: number
  /** default: `writer`, whose answers are always the newest */
  readonly endpoint?: 'writer' | 'reader'
}

/** Failures: `GraphUnavailable` (`retry`), `GraphRefused` (it would be refused again). Nothing rejects. */
export interface GremlinConnection {
  /**
   * One traversal, one transaction; the values it yields. A write goes to the writer, and is repeated only where it is
   * known not to have taken place: what fails with outcome `Unknown` may have been done, or still be done.
   */
  submit(bytecode: Bytecode, options: SubmitOptions): Promise<Result<readonly unknown[]>>
  close(): Promise<void>
}

export interface GremlinOptions {
  /** ws://HOST:PORT/gremlin or wss://HOST:PORT/gremlin; of a Neptune cluster the cluster endpoint */
  readonly writer: string
  /** for reads that need not be the newest; default: the writer */
  readonly reader?: string
  /** Requests are signed, with credentials of the AWS default provider chain. */
  readonly iam?: { readonly region: string }
  readonly timeoutMs?: number
  /** A WebSocket that was idle for so long is asked something. */
  readonly keepAliveMs?: number
  readonly clock: Pick<Clock, 'now'> & { readonly after: Timer }
  /** from 0 to below 1 */
  readonly random: () => number
  readonly log: { warn(data: object, message: string): void; debug(data: object, message: string): void }
  readonly backoff?: Partial<Backoff>
  readonly open?: OpenDriver
  readonly fetch?: Fetch
  readonly makeProvider?: () => Promise<AwsCredentialsProvider>
}

export interface Backoff {
  /** A rolled back transaction may hold its locks for a moment more: nothing is repeated sooner. */
  readonly firstMs: number
  readonly maxMs: number
  /** attempts at what was rolled back, or not begun */
  readonly attempts: number
  /** repetitions after a connection was lost */
  readonly reconnects: number
}

const usual: Backoff = { firstMs: 20, maxMs: 2_000, attempts: 8, reconnects: 2 }

/** Rolled back, or not begun: whoever asks again asks for the first time. */
const repeatable: ReadonlySet<Kind> = new Set(['Conflict', 'Throttled', 'ReadOnly'])

export const makeGremlinConnection = (options: GremlinOptions): GremlinConnection => {
  const { writer, reader = writer, iam, timeoutMs = 10_000, keepAliveMs = 300_000, clock, random, log } = options
  const { open = openDriver, fetch = globalThis.fetch, makeProvider } = options
  const wrong = [writer, reader].find((url) => !isWebSocket(url))
  if (wrong !== undefined) return neverOpen(wrong)
  const limits = { ...usual, ...options.backoff }
  const signer = iam && makeSigner({ ...iam, now: clock.now, ...(makeProvider && { makeProvider }) })
  let isEngineKnown = false

  const sign = async (url: URL): Promise<Record<string, string>> => (await signer?.headers(url)) ?? {}

  const prepare = async (endpoint: URL, signal: AbortSignal): Promise<Record<string, string>> => {
    if (!isEngineKnown && hasStatus(endpoint, iam !== undefined)) {
      const { refusal, isKnown } = await askEngine(endpoint, { fetch, sign, signal })
      if (refusal !== undefined) throw errorOf('Refused', refusal)
      if (!isKnown) log.warn({ endpoint: endpoint.host }, 'the graph store does not say which engine it is')
      isEngineKnown = isKnown
    }
    log.debug({ endpoint: endpoint.host }, 'opening a connection to the graph store')
    return sign(endpoint)
  }

  const channelTo = (url: string): Channel =>
    makeChannel({ endpoint: new URL(url), open, prepare, after: clock.after, keepAliveMs, timeoutMs })
  const writing = channelTo(writer)
  const reading = reader === writer ? writing : channelTo(reader)

  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))

  const submit: GremlinConnection['submit'] = async (bytecode, { write, timeoutMs: most = timeoutMs, endpoint }) => {
    const channel = !write && endpoint === 'reader' ? reading : writing
    const repeats = { lost: 0, others: 0 }
    for (;;) {
      const answer: Answer = await channel.ask(bytecode, most)
      if (answer.ok) return success(answer.value)
      const { problem } = answer
      if (problem.kind === 'Denied') signer?.forget()
      if (!mayRepeat(problem, write) || !hasRepeat(problem, repeats, limits)) {
        log.debug({ endpoint: channel.name, kind: problem.kind, ...repeats }, 'a request to the graph store failed')
        return failure(failureOf(channel.name, problem, write))
      }
      await pause(pauseMs(repeats.lost + repeats.others, limits, random))
    }
  }

  return {
    submit,
    async close() {
      await Promise.all([writing.close(), reading.close()])
    },
  }
}

const mayRepeat = ({ kind, mayBeDone }: Problem, write: boolean): boolean =>
  repeatable.has(kind) || (kind === 'Lost' && !(write && mayBeDone))

/** Counts one more, if there may be one. */
const hasRepeat = ({ kind }: Problem, repeats: { lost: number; others: number }, limits: Backoff): boolean =>
  kind === 'Lost' ? repeats.lost++ < limits.reconnects : ++repeats.others < limits.attempts

/** The first pause, and on top of it anything up to a length that doubles: those that collided do not come back together. */
export const pauseMs = (attempt: number, { firstMs, maxMs }: Backoff, random: () => number): number =>
  Math.min(maxMs, firstMs + random() * Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30)))

const isWebSocket = (url: string): boolean => URL.canParse(url) && ['ws:', 'wss:'].includes(new URL(url).protocol)

const neverOpen = (url: string): GremlinConnection => ({
  submit: async (_, { write }) => {
    // Not the whole of it: there may be a password in it.
    const scheme = /^[\w+.-]*/.exec(url)?.[0] ?? ''
    const text = `expected an endpoint ws://HOST:PORT/gremlin or wss://HOST:PORT/gremlin, found one that begins with "${scheme.slice(0, 20)}"`
    return failure(failureOf('endpoint', { kind: 'Refused', text, mayBeDone: false }, write))
  },
  close: async () => undefined,
})
