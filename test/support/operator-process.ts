import { setTimeout as sleep } from 'node:timers/promises'
import type { Attached } from '../cluster/attached.ts'
import { startOperator } from '../cluster/operator.ts'

/** The operator as a process that is started again whenever it ends, as a Deployment does it. */
export interface OperatorProcess {
  start(): void
  /** SIGKILL, now; resolves when the process is gone. The next one is on its way then. */
  kill(): Promise<void>
  /** Such as SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void
  /** Ends it, and it stays down until `start`. */
  end(signal?: NodeJS.Signals): Promise<void>
  /** Processes begun so far. */
  lives(): number
  /** Ends that nobody asked for, such as a lost Lease, by exit code (null: a signal). */
  unasked(): readonly (number | null)[]
  readonly http: string
}

export interface OperatorSettings {
  readonly kubeconfig: string
  /** folder of its data, the same for every life */
  readonly data: string
  /** host:port of its port */
  readonly http: string
  /** file to which its output is appended */
  readonly log: string
  readonly env: Readonly<Record<string, string>>
  /** the one of this project, if not said */
  readonly program?: string | undefined
}

/** A moment before a process that ended by itself is started again, in milliseconds. */
const pause = 100

export const superviseOperator = (settings: OperatorSettings): OperatorProcess => {
  let running: Attached | undefined
  let watching: Promise<void> | undefined
  let wanted = false
  let asked = false
  let lives = 0
  /** lives that ended by themselves, one after the other */
  let inARow = 0
  const unasked: (number | null)[] = []

  const watch = async (): Promise<void> => {
    while (wanted) {
      asked = false
      lives++
      running = startOperator({ ...settings, env: withPatience(settings.env, inARow) })
      const code = await running.ended
      inARow = asked ? 0 : inARow + 1
      if (asked) continue
      unasked.push(code)
      await sleep(pause)
    }
  }

  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    asked = true
    await running?.stop(signal)
  }

  return {
    start: () => {
      if (wanted) return
      wanted = true
      watching = watch()
    },
    kill: () => stop('SIGKILL'),
    signal: (signal) => {
      if (running?.alive()) process.kill(running.pid, signal)
    },
    end: async (signal = 'SIGTERM') => {
      wanted = false
      await stop(signal)
      await watching
    },
    lives: () => lives,
    unasked: () => unasked,
    http: settings.http,
  }
}

/**
 * On a machine that is too busy just now an operator loses its lead in its first seconds, and so would every one after
 * it: from the third on they get Leases that last longer.
 */
const withPatience = (env: OperatorSettings['env'], inARow: number): OperatorSettings['env'] => {
  const times = inARow < 2 ? 1 : inARow < 4 ? 2 : 4
  if (times === 1) return env
  const longer = ([name, value]: [string, string]): [string, string] =>
    name.startsWith('KARMA_LEASE_') ? [name, String(Number(value) * times)] : [name, value]
  return Object.fromEntries(Object.entries(env).map(longer))
}

/**
 * Leases of three seconds, obeying core/lock/election's `timingFault`. Shorter ones are lost now and then on a busy machine,
 * and an operator that has lost its lead ends.
 */
export const shortLeases: Readonly<Record<string, string>> = {
  KARMA_LEASE_DURATION_MS: '3000',
  KARMA_LEASE_RENEW_DEADLINE_MS: '1900',
  KARMA_LEASE_REQUEST_TIMEOUT_MS: '700',
  KARMA_LEASE_RETRY_MS: '300',
}
