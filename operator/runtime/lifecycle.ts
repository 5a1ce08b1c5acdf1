import { type Clock, sleep } from './clock.ts'
import { described, type Logger } from './log.ts'

/** Something that runs. `stop` is called only after `start` has succeeded. */
export interface Part {
  readonly name: string
  start?(): void | Promise<void>
  stop?(): void | Promise<void>
  /** how long `stop` may take; default 10 s */
  readonly stopTimeoutMs?: number
}

export interface Lifecycle {
  /** One part after the other. When one fails, those that run are stopped and the failure is thrown. */
  start(): Promise<void>
  /** In reverse order, each within its time; what fails or takes too long is logged and left. Safe to call again. */
  stop(): Promise<void>
}

interface Dependencies {
  readonly parts: readonly Part[]
  readonly clock: Clock
  readonly log: Logger
}

export const makeLifecycle = ({ parts, clock, log }: Dependencies): Lifecycle => {
  const running: Part[] = []
  let stopping: Promise<void> | undefined

  const stopOne = async (part: Part): Promise<void> => {
    const limit = part.stopTimeoutMs ?? 10_000
    const ended = new AbortController()
    const stopped = (async () => part.stop?.())().then(
      () => true,
      (error) => {
        log.error({ part: part.name, error: described(error) }, 'stopping a part failed')
        return true
      },
    )
    const inTime = await Promise.race([stopped, sleep(clock, limit, ended.signal).then(() => false)])
    ended.abort()
    if (!inTime) log.error({ part: part.name, limitMs: limit }, 'a part did not stop in time and is left')
    else log.debug({ part: part.name }, 'stopped')
  }
  const stopAll = async (): Promise<void> => {
    for (let part = running.pop(); part; part = running.pop()) await stopOne(part)
  }
  const stop = (): Promise<void> => {
    stopping ??= stopAll()
    return stopping
  }

  const isStopping = (): boolean => stopping !== undefined

  return {
    start: async () => {
      for (const part of parts) {
        // Asked to stop while it was still starting.
        if (isStopping()) return
        try {
          await part.start?.()
        } catch (error) {
          log.error({ part: part.name, error: described(error) }, 'starting a part failed')
          await stop()
          throw error
        }
        running.push(part)
        log.debug({ part: part.name }, 'started')
        // `stop` went through the running parts before this one was among them.
        if (isStopping()) await stopOne(running.pop()!)
      }
    },
    stop,
  }
}
