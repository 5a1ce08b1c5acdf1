import { randomUUID } from 'node:crypto'
import gremlin, { type Bytecode } from 'gremlin'
import { rest, type Timer } from '../../ports/timer.ts'
import type { Driver, OpenDriver } from './driver.ts'
import { errorOf, type Kind, lateProblem, type Problem, problemOf } from './failure.ts'

export type Answer =
  | { readonly ok: true; readonly value: readonly unknown[] }
  | { readonly ok: false; readonly problem: Problem }

/** One endpoint, over one WebSocket at a time, opened when it is needed. */
export interface Channel {
  /** host and port */
  readonly name: string
  /** Asks once. Never rejects. */
  ask(bytecode: Bytecode, timeoutMs: number): Promise<Answer>
  close(): Promise<void>
}

export interface ChannelDependencies {
  readonly endpoint: URL
  readonly open: OpenDriver
  /** The headers of a handshake, freshly signed; rejects where the endpoint will not do. */
  readonly prepare: (endpoint: URL, signal: AbortSignal) => Promise<Record<string, string>>
  readonly after: Timer
  readonly keepAliveMs: number
  /** of a keep-alive */
  readonly timeoutMs: number
}

/** A WebSocket, from the wish for it to its end. */
interface Line {
  readonly driver: Promise<Driver>
  readonly preparation: AbortController
  /** those that somebody waits for, by request id */
  readonly inFlight: Map<string, Waiting>
  isRetired: boolean
  stopKeepAlive?: () => void
}

interface Waiting {
  isSent: boolean
  readonly fail: (error: unknown) => void
}

/** how long the server may take to say goodbye */
const goodbyeMs = 1_000

/** The driver has no ping. */
const pulse = (): Bytecode => new gremlin.structure.Graph().traversal().inject(0).getBytecode()

/** After these the WebSocket is over, or not to be trusted, or belongs to the wrong instance. */
const ending: ReadonlySet<Kind> = new Set(['Late', 'Lost', 'Garbled', 'ReadOnly', 'Denied'])

export const makeChannel = (dependencies: ChannelDependencies): Channel => {
  const { endpoint, open, prepare, after, keepAliveMs } = dependencies
  let current: Line | undefined
  let isClosed = false

  const newLine = (): Line => {
    const preparation = new AbortController()
    const inFlight: Line['inFlight'] = new Map()
    const driver = prepare(endpoint, preparation.signal).then((headers) =>
      open(endpoint.href, headers, {
        maySend(requestId) {
          const waiting = inFlight.get(requestId)
          if (waiting) waiting.isSent = true
          return waiting !== undefined
        },
        onGarbled(error) {
          // Whose answer it was is not known; the driver would let its request wait.
          for (const { fail } of [...inFlight.values()]) fail(error)
          retire(line)
        },
        onEnd: () => retire(line),
      }),
    )
    const line: Line = { driver, preparation, inFlight, isRetired: false }
    driver.catch(() => retire(line))
    return line
  }

  /** Nobody else is sent over it; those that wait for something keep it until they have it, or have waited long enough. */
  const retire = (line: Line): void => {
    line.isRetired = true
    line.stopKeepAlive?.()
    if (current === line) current = undefined
    if (line.inFlight.size > 0) return
    line.preparation.abort()
    line.driver.then(
      (driver) => driver.discard(),
      () => undefined,
    )
  }

  const keepAliveWhenIdle = (line: Line): void => {
    if (line.isRetired) retire(line)
    if (line.isRetired || line.inFlight.size > 0) return
    line.stopKeepAlive?.()
    // An idle one is cut by Neptune after 20 minutes, and perhaps earlier by what is in between.
    line.stopKeepAlive = after(keepAliveMs, () => void ask(pulse(), dependencies.timeoutMs))
  }

  const ask = async (bytecode: Bytecode, timeoutMs: number): Promise<Answer> => {
    if (isClosed) return { ok: false, problem: problemOf(errorOf('Failed', 'this connection was closed'), false) }
    current ??= newLine()
    const line = current
    line.stopKeepAlive?.()
    const requestId = randomUUID()
    const answer = await new Promise<Answer>((resolve) => {
      const settle = (settled: Answer): void => {
        cancel()
        // Not sent yet, it never will be.
        line.inFlight.delete(requestId)
        resolve(settled)
      }
      const fail = (error: unknown): void => settle({ ok: false, problem: problemOf(error, waiting.isSent) })
      const waiting: Waiting = { isSent: false, fail }
      line.inFlight.set(requestId, waiting)
      const cancel = after(timeoutMs, () => settle({ ok: false, problem: lateProblem(timeoutMs, waiting.isSent) }))
      line.driver
        .then((driver) => driver.submit(bytecode, { requestId, evaluationTimeout: timeoutMs }))
        .then((value) => settle({ ok: true, value }), fail)
    })
    if (!answer.ok && ending.has(answer.problem.kind)) retire(line)
    keepAliveWhenIdle(line)
    return answer
  }

  return {
    name: endpoint.host,
    ask,
    async close() {
      isClosed = true
      const line = current
      if (line === undefined) return
      current = undefined
      line.isRetired = true
      line.stopKeepAlive?.()
      line.preparation.abort()
      const driver = await line.driver.catch(() => undefined)
      if (driver === undefined) return
      await rest(
        after,
        goodbyeMs,
        driver.close().catch(() => undefined),
      )
      driver.discard()
    },
  }
}
