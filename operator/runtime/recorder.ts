import { createHash } from 'node:crypto'
import { described, type Logger } from './log.ts'

/** What an Event is about. */
export interface Regarding {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  /** absent for what has no namespace: its Events go to `default` */
  readonly namespace?: string
  readonly uid: string
}

export interface Notice {
  readonly regarding: Regarding
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, the same as in the condition */
  readonly reason: string
  /** what was done, a verb in CamelCase */
  readonly action: string
  readonly note: string
  /** which one of those that say the same of an object; told again it has the same number */
  readonly occurrence?: number
}

export interface RecorderDependencies {
  /** Creates an Event of events.k8s.io/v1. A failure's reason `AlreadyExists` is as good as success. */
  readonly create: (
    namespace: string,
    event: unknown,
  ) => Promise<{ ok: true } | { ok: false; failure: { reason: string; message: string } }>
  readonly controller: string
  readonly instance: string
  readonly clock: { now(): number }
  readonly log: Logger
}

/** Tells people, through Kubernetes Events, of transitions. Nothing waits for it and nothing fails by it. */
export interface Recorder {
  record(notice: Notice): void
  /** Resolves when all that was recorded has been sent, or given up. */
  idle(): Promise<void>
  readonly counts: { readonly sent: number; readonly dropped: number; readonly failed: number }
}

const longestBacklog = 1000
const rememberedNames = 4096
const most = { note: 1024, reason: 128, action: 128, instance: 128, name: 253 }

/**
 * An Event's name is a function of object, occurrence, reason and note: a transition that is told again, after a crash
 * or by a second process, meets the Event that is there and adds nothing. One that comes back is another occurrence.
 */
export const makeRecorder = ({ create, controller, instance, clock, log }: RecorderDependencies): Recorder => {
  const backlog: { namespace: string; name: string; event: unknown }[] = []
  const recent = new Set<string>()
  const counts = { sent: 0, dropped: 0, failed: 0 }
  let sending: Promise<void> | undefined

  const send = async (): Promise<void> => {
    for (let next = backlog.shift(); next; next = backlog.shift()) {
      try {
        const answer = await create(next.namespace, next.event)
        if (answer.ok || answer.failure.reason === 'AlreadyExists') {
          counts.sent++
          continue
        }
        log.warn(
          { event: next.name, reason: answer.failure.reason, message: answer.failure.message },
          'Event not written',
        )
      } catch (error) {
        log.error({ event: next.name, error: described(error) }, 'writing an Event threw')
      }
      counts.failed++
      recent.delete(next.name)
    }
  }

  const kick = (): void => {
    if (sending !== undefined || backlog.length === 0) return
    sending = send().finally(() => {
      sending = undefined
      // What was recorded after the loop had looked for the last time.
      kick()
    })
  }

  return {
    counts,
    record: (notice) => {
      const name = nameOf(notice)
      if (recent.has(name)) return
      if (backlog.length >= longestBacklog) {
        counts.dropped++
        return
      }
      recent.add(name)
      if (recent.size > rememberedNames) recent.delete(recent.values().next().value!)
      const namespace = notice.regarding.namespace ?? 'default'
      const event = eventOf(notice, { name, namespace, controller, instance, now: clock.now() })
      backlog.push({ namespace, name, event })
      kick()
    },
    idle: async () => {
      while (sending !== undefined) await sending
    },
  }
}

const nameOf = ({ regarding, reason, note, occurrence = 0 }: Notice): string => {
  const hash = createHash('sha256')
    .update(JSON.stringify([regarding.uid, occurrence, reason, note]))
    .digest('hex')
    .slice(0, 16)
  const room = most.name - hash.length - 1
  return `${regarding.name.slice(0, room).replace(/[.-]+$/, '')}.${hash}`
}

interface Origin {
  readonly name: string
  readonly namespace: string
  readonly controller: string
  readonly instance: string
  readonly now: number
}

const eventOf = ({ regarding, type, reason, action, note }: Notice, origin: Origin) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: origin.name, namespace: origin.namespace },
  // Six decimals are asked for.
  eventTime: new Date(origin.now).toISOString().replace('Z', '000Z'),
  reportingController: origin.controller,
  reportingInstance: cut(origin.instance, most.instance),
  regarding,
  type,
  reason: cut(reason, most.reason),
  action: cut(action, most.action),
  note: cut(note, most.note),
})

/** To at most so many bytes of UTF-8, which is how the API server counts. */
const cut = (text: string, bytes: number): string => {
  if (Buffer.byteLength(text) <= bytes) return text
  const ellipsis = '…'
  let end = bytes - Buffer.byteLength(ellipsis)
  const buffer = Buffer.from(text)
  // Not in the middle of a character: continuation bytes are 10xxxxxx.
  while (end > 0 && (buffer[end]! & 0xc0) === 0x80) end--
  return buffer.toString('utf8', 0, end) + ellipsis
}
