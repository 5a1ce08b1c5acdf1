import type { Source, SourceAnswer, SourceFailure, SourcePage } from '../../operator/runtime/source.ts'

/** A watch that the test speaks for. */
export interface ScriptedWatch {
  readonly resourceVersion: string
  readonly signal: AbortSignal
  /** One line; an object is sent as JSON. */
  send(line: unknown): void
  /** Bytes without a whole line. */
  trickle(): void
  end(): void
  fail(error: Error): void
  readonly open: boolean
}

type ListAnswer = SourceAnswer<SourcePage> | ((request: ListRequest) => SourceAnswer<SourcePage>) | 'hang'
export interface ListRequest {
  readonly limit?: number | undefined
  readonly continue?: string | undefined
}

export interface ScriptedSource extends Source {
  /** The answers to come, in order; when there are none left, a list hangs until it is called off. */
  readonly lists: ListAnswer[]
  readonly listRequests: ListRequest[]
  /** Refusals of watches to come, in order; when there are none left, watches are accepted. */
  readonly refusals: SourceFailure[]
  readonly watches: ScriptedWatch[]
  /** the watch begun last */
  watch_(): ScriptedWatch
}

export const page = (version: number | string, items: unknown[], next?: string): SourceAnswer<SourcePage> => ({
  ok: true,
  value: { items, resourceVersion: String(version), ...(next === undefined ? {} : { continue: next }) },
})

export const refused = (reason: string, more: Partial<SourceFailure> = {}): { ok: false; failure: SourceFailure } => ({
  ok: false,
  failure: { reason, message: `scripted ${reason}`, ...more },
})

export const makeScriptedSource = (...lists: ListAnswer[]): ScriptedSource => {
  const listRequests: ListRequest[] = []
  const refusals: SourceFailure[] = []
  const watches: ScriptedWatch[] = []
  return {
    name: 'scripted',
    lists,
    listRequests,
    refusals,
    watches,
    watch_: () => {
      const last = watches.at(-1)
      if (!last) throw new Error('no watch was begun')
      return last
    },
    list: ({ limit, continue: next, signal }) => {
      listRequests.push({ limit, continue: next })
      const answer = lists.shift()
      if (answer === undefined || answer === 'hang') {
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(refused('Unavailable'))))
      }
      return Promise.resolve(typeof answer === 'function' ? answer({ limit, continue: next }) : answer)
    },
    watch: async ({ resourceVersion, signal, onBytes }) => {
      const refusal = refusals.shift()
      if (refusal) return { ok: false, failure: refusal }
      const { watch, lines } = makeWatch(resourceVersion, signal, onBytes)
      watches.push(watch)
      return { ok: true, value: lines }
    },
    decode: JSON.parse,
    failureOf: ({ code, message = '' }) => ({
      reason: code === 410 ? 'Expired' : 'Unavailable',
      message,
      status: code ?? 0,
    }),
  }
}

const makeWatch = (resourceVersion: string, signal: AbortSignal, onBytes: () => void) => {
  const pending: string[] = []
  let over: { error?: Error } | undefined
  let wake = () => {}
  const finish = (how: { error?: Error }): void => {
    over ??= how
    wake()
  }
  signal.addEventListener('abort', () => finish({}))

  const watch: ScriptedWatch = {
    resourceVersion,
    signal,
    send: (line) => {
      onBytes()
      pending.push(typeof line === 'string' ? line : JSON.stringify(line))
      wake()
    },
    trickle: onBytes,
    end: () => finish({}),
    fail: (error) => finish({ error }),
    get open() {
      return over === undefined
    },
  }
  const lines = async function* (): AsyncGenerator<string, void, undefined> {
    for (;;) {
      for (let line = pending.shift(); line !== undefined; line = pending.shift()) yield line
      if (over?.error) throw over.error
      if (over) return
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { watch, lines: lines() }
}
