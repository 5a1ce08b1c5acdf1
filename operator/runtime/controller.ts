import type { Clock } from './clock.ts'
import { described, type Logger } from './log.ts'
import type { WorkQueue } from './workqueue.ts'

/**
 * How a look at an object ended. `done`: nothing to do until it changes. `after`: look again in `ms`. `retry`: an
 * expected failure; look again with growing backoff.
 */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'after'; readonly ms: number }
  | { readonly kind: 'retry'; readonly reason: string; readonly message: string }

export const done: Outcome = { kind: 'done' }
export const again = (ms: number): Outcome => ({ kind: 'after', ms })
export const retry = ({ reason, message }: { reason: string; message: string }): Outcome => ({
  kind: 'retry',
  reason,
  message,
})

export interface ControllerMetrics {
  /** `result`: the outcome's kind, or `error` for a throw */
  reconciled(controller: string, result: Outcome['kind'] | 'error', ms: number): void
}

export interface ControllerDependencies {
  readonly name: string
  readonly queue: WorkQueue
  /** how many keys are worked on at the same time */
  readonly workers: number
  readonly reconcile: (key: string, log: Logger) => Promise<Outcome>
  readonly log: Logger
  readonly clock: Pick<Clock, 'monotonic'>
  /** a new id for each run, to find its log lines by */
  readonly nextId: () => string
  readonly metrics?: ControllerMetrics
}

export interface Controller {
  start(): void
  /** Takes no further key; resolves when those under way are finished. */
  stop(): Promise<void>
}

export const makeController = (dependencies: ControllerDependencies): Controller => {
  const { name, queue, workers, reconcile, clock, nextId, metrics } = dependencies
  const log = dependencies.log.child({ controller: name })
  let running: Promise<unknown> | undefined

  const handle = async (key: string): Promise<void> => {
    const started = clock.monotonic()
    const runLog = log.child({ key, reconcileId: nextId() })
    const result = await attempt(reconcile, key, runLog)
    metrics?.reconciled(name, result.kind, clock.monotonic() - started)
    switch (result.kind) {
      case 'done':
        queue.forget(key)
        return
      case 'after':
        queue.forget(key)
        queue.addAfter(key, result.ms)
        return
      case 'retry':
        runLog.info({ reason: result.reason, message: result.message }, 'will be tried again')
        queue.retry(key)
        return
      case 'error':
        // Nothing throws for what is expected: this is a fault of the program.
        runLog.error({ error: described(result.error) }, 'reconcile threw')
        queue.retry(key)
    }
  }

  const work = async (): Promise<void> => {
    for (;;) {
      const key = await queue.get()
      if (key === undefined) return
      try {
        await handle(key)
      } catch (error) {
        // Of the bookkeeping itself. A worker must not be lost over it.
        log.error({ key, error: described(error) }, 'handling a key failed')
      } finally {
        queue.done(key)
      }
    }
  }

  return {
    start: () => {
      running ??= Promise.all(Array.from({ length: workers }, work))
    },
    stop: async () => {
      queue.shutdown()
      await running
    },
  }
}

const attempt = async (
  reconcile: ControllerDependencies['reconcile'],
  key: string,
  log: Logger,
): Promise<Outcome | { kind: 'error'; error: unknown }> => {
  try {
    return await reconcile(key, log)
  } catch (error) {
    return { kind: 'error', error }
  }
}
