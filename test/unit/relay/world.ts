import type { DeadLetter } from '../../../operator/api/dead-letter.ts'
import type { Event } from '../../../operator/api/envelope.ts'
import type { ChangeRequest } from '../../../operator/api/kinds.generated.ts'
import { failure, success } from '../../../operator/api/result.ts'
import { makeRelay, type Relay, type RelayKind } from '../../../operator/controllers/relay.ts'
import { append } from '../../../operator/core/event/outbox.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

/** Timers fire only when `pass` lets time go by. */
const makeTestClock = () => {
  let time = Date.UTC(2026, 0, 31)
  const timers = new Set<{ at: number; run: () => void }>()
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    now: () => time,
    monotonic: () => time,
    after: (ms: number, run: () => void) => {
      const timer = { at: time + ms, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    timers: () => timers.size,
    settle,
    pass: async (ms: number) => {
      const end = time + ms
      await settle()
      for (;;) {
        const [next] = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)
        if (!next) break
        time = Math.max(time, next.at)
        timers.delete(next)
        next.run()
        await settle()
      }
      time = end
    },
  }
}

const makeCounter = () => {
  let value = 0
  return {
    inc: (by = 1) => {
      value += by
    },
    value: () => value,
  }
}

/** One kind of objects with versions, a bus that can fail, a place that can fail, and relays that come and go. */
export const makeWorld = () => {
  const clock = makeTestClock()
  const objects = new Map<string, ChangeRequest>()
  const handlers = new Set<Parameters<RelayKind['onChange']>[0]>()
  const published: Event[] = []
  const letters: DeadLetter[] = []
  const publishes: number[] = []
  const placeWrites: string[] = []
  const bus = {
    down: false,
    asideDown: false,
    hold: undefined as Promise<void> | undefined,
    capacity: Number.POSITIVE_INFINITY,
  }
  const place = { value: undefined as string | undefined, down: false }
  const metrics = { published: makeCounter(), retries: makeCounter(), deadLetters: makeCounter(), lost: makeCounter() }
  let version = 100

  const tell = (before: ChangeRequest | undefined, after: ChangeRequest | undefined) => {
    for (const handler of handlers) handler({ ...(before && { before }), ...(after && { after }) })
  }

  const put = (name: string, change: (object: ChangeRequest) => ChangeRequest) => {
    const before = objects.get(name)
    const fresh: ChangeRequest = {
      apiVersion: 'usekarma.dev/v1alpha1',
      kind: 'ChangeRequest',
      metadata: { name, namespace: 'dev', uid: `uid-${name}` },
      spec: { component: 'site/main', requestedBy: { username: 'jo' } },
    }
    const changed = change(before ?? fresh)
    const after = { ...changed, metadata: { ...changed.metadata, resourceVersion: String(++version) } }
    objects.set(name, after)
    tell(before, after)
    return after
  }

  const kind: RelayKind = {
    kind: 'ChangeRequest',
    list: () => objects.values(),
    onChange: (handler) => void handlers.add(handler),
    resourceVersion: () => String(version),
  }

  /** What a dead process asked for is never answered. */
  const never = new Promise<never>(() => {})
  let living = 0

  const startRelay = (): Relay => {
    const process = ++living
    const dead = () => process !== living
    const relay = makeRelay({
      kinds: [kind],
      bus: {
        publish: async (_topic, events) => {
          await (dead() ? never : bus.hold)
          if (bus.down || published.length >= bus.capacity) throw new Error('broker away')
          publishes.push(events.length)
          published.push(...events)
        },
        putAside: async (more) => {
          await (dead() ? never : bus.hold)
          if (bus.asideDown) throw new Error('broker refuses')
          letters.push(...more)
        },
      },
      place: {
        read: async () =>
          dead()
            ? never
            : place.down
              ? failure({ reason: 'Unavailable', message: 'down', retry: true })
              : success(place.value),
        write: async (_kind, rv) => {
          if (dead()) return never
          if (place.down) return failure({ reason: 'Unavailable', message: 'down', retry: true })
          place.value = rv
          placeWrites.push(rv)
          return success(undefined)
        },
      },
      clock,
      log: quiet,
      metrics,
      backoff: (failures) => Math.min(30_000, 100 * 2 ** failures),
    })
    relay.start()
    return relay
  }

  return {
    clock,
    objects,
    published,
    letters,
    publishes,
    placeWrites,
    bus,
    place,
    metrics,
    startRelay,
    put,
    tell,
    /** A status write with so many transitions. */
    transit: (name: string, count = 1) =>
      put(name, (object) => {
        const transitions = Array.from({ length: count }, () => ({ type: 'change.queued' }) as const)
        return { ...object, status: { ...object.status, ...append(object.status, transitions, clock.now()) } }
      }),
    /** A write that is no transition. */
    touch: (name: string) => put(name, (object) => ({ ...object })),
    remove: (name: string) => {
      const before = objects.get(name)
      objects.delete(name)
      version++
      tell(before, undefined)
    },
    /** As of a backup: version and objects of then. */
    restore: (to: number, then: ChangeRequest[]) => {
      version = to
      objects.clear()
      for (const object of then) objects.set(object.metadata.name, object)
    },
    version: () => version,
    /** `name:seq` of everything that was published, in order. */
    told: () => published.map((event) => `${event.tags.name}:${event.attrs.seq}`),
    ids: () => new Set(published.map((event) => event.id)),
    /** The process is killed: nothing of it hears of anything any more. */
    kill: () => {
      living++
      handlers.clear()
    },
  }
}
