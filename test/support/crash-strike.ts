import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiRequest } from './api-request.ts'
import { type Effect, effectOf } from './crash-effects.ts'
import { type Deed, deedOf, type Fault, type Refusal, type Resource } from './crash-fault.ts'
import type { Rendezvous } from './crash-rendezvous.ts'
import { type Action, type ApiProxy, type ProxiedRequest, pass, staleList, statusAnswer } from './proxy.ts'

/** The faults of one workload, which strike one after another. */
export interface Armed {
  /** faults that struck, in their order */
  readonly hits: readonly Fault[]
  /** resolves when all have */
  readonly struck: Promise<void>
  /** when the first one did, by the monotonic clock */
  firstAt(): number | undefined
  disarm(): void
}

interface Arming {
  readonly proxy: ApiProxy
  readonly namespace: string
  readonly faults: readonly Fault[]
  readonly rendezvous: Rendezvous
  /** resourceVersion at the beginning of the workload */
  readonly begin: string
}

/** What is on the way in these is not to be held up: it would be given up, and sent again. */
const urgent: ReadonlySet<Effect> = new Set(['lead', 'lock', 'release', 'place'])

export const arm = ({ proxy, namespace, faults, rendezvous, begin }: Arming): Armed => {
  const hits: Fault[] = []
  const due = [...faults]
  const struck = Promise.withResolvers<void>()
  const undo: (() => void)[] = []
  let firstAt: number | undefined
  let seen = 0
  /** the fault at hand strikes this moment */
  let isStriking = false
  /** what is refused again, should it be tried again */
  let refusing: { effect: Effect; status: Refusal; left: number } | undefined
  /** others wait for it */
  const isExpected = (fault: Fault | undefined): boolean =>
    fault !== undefined && ['kill', 'hold'].includes(deedOf(fault).do) && !fault.optional
  const next = (): void => {
    if (isExpected(due[0])) rendezvous.expect(1)
    if (due.every(({ optional }) => optional)) struck.resolve()
  }
  next()

  const hit = (fault: Fault): void => {
    if (isExpected(fault)) rendezvous.expect(-1)
    hits.push(fault)
    firstAt ??= performance.now()
    due.shift()
    seen = 0
    isStriking = false
    next()
  }

  /** Together with others, see crash-rendezvous.ts. */
  const meet = (fault: Fault, deed: Extract<Deed, { do: 'kill' | 'hold' }>): Action => {
    isStriking = true
    const { position } = fault
    const isUrgent = urgent.has(fault.effect)
    const arrival = rendezvous.come()
    void arrival.ended.then(() => {
      if (due[0] !== fault) return
      if (deed.do === 'kill') undo.push(...(deed.stale ?? []).map((resource) => oldList(proxy, resource, begin)))
      hit(fault)
    })
    const die = (): Promise<void> => {
      arrival.here(isUrgent)
      arrival.readyToGo()
      return arrival.ended
    }
    // A write that the server refused is none: the next one is waited for.
    const none = (): void => {
      isStriking = false
      arrival.leave()
    }
    const when = (status: number): boolean => {
      if (status >= 300) none()
      return status < 300
    }
    if (position === 'before')
      return { kind: 'delay', until: die(), next: deed.do === 'kill' ? { kind: 'cut-before' } : pass }
    if (position === 'during')
      return deed.do === 'kill'
        ? { kind: 'instead-of-answer', run: die, when, none }
        : { kind: 'after', first: die, when, none }
    const first = (): Promise<void> => {
      arrival.here(isUrgent)
      return arrival.goes
    }
    return { kind: 'after', first, run: arrival.readyToGo, when, none }
  }

  const disturb = (fault: Fault, deed: Extract<Deed, { do: 'disturb' }>): Action => {
    const begun = async (): Promise<void> => {
      undo.push(disturbances[deed.how]({ proxy, begin, ...deed }))
      hit(fault)
    }
    isStriking = true
    if (fault.position === 'before') return { kind: 'delay', until: begun() }
    return fault.position === 'during' ? { kind: 'after', first: begun } : { kind: 'after', run: begun }
  }

  const actionOf = (fault: Fault): Action => {
    const deed = deedOf(fault)
    const { position } = fault
    switch (deed.do) {
      case 'kill':
      case 'hold':
        return meet(fault, deed)
      case 'disturb':
        return disturb(fault, deed)
      case 'lose':
        hit(fault)
        return { kind: position === 'before' ? 'cut-before' : 'cut-after' }
      case 'delay':
        hit(fault)
        return position === 'before' ? { kind: 'delay', ms: deed.ms } : { kind: 'after', first: () => sleep(deed.ms) }
      case 'refuse':
        refusing = { effect: fault.effect, status: deed.status, left: deed.times - 1 }
        hit(fault)
        return refusal(deed.status)
    }
  }

  const disarm = proxy.onRequest((request) => {
    const [fault] = due
    const effect = effectOf(request)
    if (effect === undefined || !isOf(request, namespace)) return undefined
    if (refusing?.effect === effect && refusing.left-- > 0) return refusal(refusing.status)
    if (effect !== fault?.effect || isStriking) return undefined
    seen++
    return seen < (fault.nth ?? 1) ? undefined : actionOf(fault)
  })
  return {
    hits,
    struck: struck.promise,
    firstAt: () => firstAt,
    disarm: () => {
      disarm()
      if (isExpected(due[0]) && !isStriking) rendezvous.expect(-1)
      due.length = 0
      refusing = undefined
      for (const one of undo.splice(0)) one()
    },
  }
}

/** What Karma keeps for itself in its own namespace belongs to every run. */
const isOf = ({ namespace }: ProxiedRequest, own: string): boolean => namespace === own || namespace === 'karma-system'

const refusal = (status: number): Action => {
  const reasons: Readonly<Record<number, string>> = {
    401: 'Unauthorized',
    409: 'Conflict',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
  }
  const headers = status === 429 ? { 'retry-after': '1' } : {}
  return statusAnswer(status, reasons[status] ?? 'Unknown', 'refused on purpose', headers)
}

/** The first list of a kind is the old one. */
const oldList = (proxy: ApiProxy, resource: Resource, version: string): (() => void) => {
  const off = proxy.onRequest((request) => {
    if (request.verb !== 'list' || request.resource !== resource || request.namespace !== undefined) return undefined
    off()
    return staleList(request, version)
  })
  return off
}

interface Disturbing {
  readonly proxy: ApiProxy
  readonly resource: Resource
  readonly ms: number
  readonly begin: string
}

const gone = 'too old resource version'
/** A watch that cannot go on: what comes next is a list. */
export const goneLine = JSON.stringify({
  type: 'ERROR',
  object: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 410, reason: 'Expired', message: gone },
})

/** Each gives the way to end it early. */
const disturbances: Readonly<Record<Extract<Deed, { do: 'disturb' }>['how'], (one: Disturbing) => () => void>> = {
  frozen: ({ proxy, resource, ms }) => lasting(ms, proxy.watches.freeze(of(resource))),
  'half-open': ({ proxy, resource, ms }) => {
    const thaw = proxy.watches.freeze(of(resource))
    return lasting(ms, () => {
      proxy.watches.cut(of(resource))
      thaw()
    })
  },
  expired: ({ proxy, resource, ms }) => {
    const thaw = proxy.watches.freeze(of(resource))
    // For as long as nobody lists, no watch can go on.
    const off = proxy.onRequest((request) => {
      if (request.resource !== resource) return undefined
      if (request.verb === 'list') off()
      return request.verb === 'watch' ? statusAnswer(410, 'Expired', gone) : undefined
    })
    return lasting(ms, () => {
      proxy.watches.cut(of(resource))
      thaw()
    })
  },
  truncated: ({ proxy, resource }) => {
    proxy.watches.cut(of(resource), '{"type":"MODIFIED","object":{"kind":')
    return () => {}
  },
  garbled: ({ proxy, resource }) => {
    proxy.watches.inject('{"type":"MODIFIED","object"', of(resource))
    return () => {}
  },
  repeated: ({ proxy, resource, ms }) =>
    lasting(
      ms,
      proxy.watches.onLine((line, request) => (of(resource)(request) ? [line, line] : line)),
    ),
  'gone back': ({ proxy, resource, begin }) => {
    const off = oldList(proxy, resource, begin)
    proxy.watches.inject(goneLine, of(resource))
    return off
  },
}

const of =
  (resource: Resource) =>
  (request: ApiRequest): boolean =>
    request.resource === resource

const lasting = (ms: number, end: () => void): (() => void) => {
  let ended = false
  const once = (): void => {
    if (ended) return
    ended = true
    end()
  }
  const timer = setTimeout(once, ms)
  return () => {
    clearTimeout(timer)
    once()
  }
}
