import type { Event } from '../../operator/api/envelope.ts'
import type { JsonObject } from '../../operator/api/kinds.generated.ts'
import type { Random } from '../faults/random.ts'

/*
 * Random histories as Karma tells them, and some that it will tell. Times repeat, so that order within an object is told
 * by number, as it is where one status write has several transitions.
 */

export interface Place {
  readonly random: Random
  readonly namespace: string
  /** epoch milliseconds of the first event */
  readonly start: number
}

const environments = ['dev', 'stage', '']
const types = ['site', 'bucket', 'zone']
const people = ['jo', 'al', "o'neil"]
const minute = 60_000

export const randomHistory = (place: Place): Event[] => {
  const events = [
    ...repeat(14, (n) => changeHistory(place, n)),
    ...repeat(9, (n) => componentHistory(place, n)),
    ...repeat(10, (n) => actionHistory(place, n)),
    ...repeat(5, (n) => [foreign(place, n)]),
  ]
  return events.flat()
}

const repeat = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n))

const idOf = (n: number): string => `${types[n % types.length]}/c-${n % 9}`
export const changeUid = (namespace: string, n: number): string => `${namespace}-change-${n}`

/** Tells one thing after the other, often within one millisecond. */
const makeTeller = (place: Place, about: Pick<Event, 'entity_id' | 'tags'>) => {
  const { random, start } = place
  let ts = start + random.below(600) * minute
  let seq = 0
  const told: Event[] = []
  return {
    told,
    tell: (event_type: string, correlation_id: string, attrs: JsonObject, tags: Record<string, string> = {}) => {
      if (random.below(100) < 60) ts += random.below(90_000)
      seq++
      told.push({
        id: `${about.entity_id} ${seq} ${correlation_id}`,
        ts: new Date(ts).toISOString(),
        event_type,
        entity_id: about.entity_id,
        correlation_id,
        tags: { ...about.tags, ...tags },
        attrs: { seq, ...attrs },
      })
    },
  }
}

const ends = [
  'change.applied',
  'change.applied',
  'change.applied',
  'change.rejected',
  'change.failed',
  'change.cancelled',
  'change.expired',
  'change.superseded',
  'change.rolled-back',
]

const changeHistory = (place: Place, n: number): Event[] => {
  const { random, namespace } = place
  const environment = random.pick(environments)
  const tags = { kind: 'ChangeRequest', namespace, name: `change-${n}`, component: idOf(n) }
  const teller = makeTeller(place, { entity_id: `${namespace}/changerequest/change-${n}`, tags })
  const tell = (type: string, attrs: JsonObject = {}) =>
    teller.tell(type, changeUid(namespace, n), attrs, environment === '' ? {} : { environment })
  const plan = (): JsonObject => {
    const nearest = repeat(random.below(4), () => random.pick(['a/b', 'site/c-1', 'zone/c-5', 'web/x/y']))
    return { affected: nearest.length + random.below(2), nearest }
  }
  const isPlan = random.below(100) < 15
  // What retention took away is a beginning that nobody knows.
  if (random.below(100) > 10) {
    teller.tell('change.requested', changeUid(namespace, n), {
      mode: isPlan ? 'Plan' : 'Apply',
      ...(random.below(100) < 70 && { requestReason: 'new "domain"', requestedBy: { username: random.pick(people) } }),
    })
  }
  for (const _ of repeat(random.below(4), () => 0)) {
    const blockedBy = repeat(1 + random.below(3), () => ({
      reason: random.pick(['InFlight', 'OutputsUnavailable']),
      object: random.pick(['bucket/shared', 'change-1', '']),
    }))
    tell(random.below(100) < 80 ? 'change.queued' : 'change.awaiting-approval', { ...plan(), blockedBy })
    if (random.below(100) < 20) tell('change.withdrawn')
  }
  if (random.below(100) < 20) return teller.told
  if (random.below(100) < 80) tell('change.planned', plan())
  if (isPlan) return teller.told
  const end = random.pick(ends)
  if (end === 'change.applied') tell('change.applying', { version: n })
  tell(end, end === 'change.applied' && random.below(100) < 80 ? { affected: random.below(9), version: n } : {})
  if (end === 'change.applied' && random.below(100) < 30) tell('change.rolled-back', { rollback: 'uid-of-another' })
  return teller.told
}

const componentHistory = (place: Place, n: number): Event[] => {
  const { random, namespace } = place
  const [type = '', nickname = ''] = idOf(n).split('/')
  const environment = random.pick(environments.slice(0, 2))
  const tags = { kind: 'Component', namespace, name: `${type}.${nickname}`, environment, type }
  const teller = makeTeller(place, { entity_id: `${namespace}/${idOf(n)}`, tags })
  const uid = `${namespace}-component-${n}`
  for (const _ of repeat(random.below(3), () => 0)) {
    teller.tell('component.blocked', uid, { reason: random.pick(['Cycle', 'InvalidConfig']), message: 'no' })
  }
  for (const _ of repeat(random.below(3), () => 0)) {
    const of = random.below(14)
    const by = random.below(100) < 70 ? { change: changeUid(namespace, of), request: `change-${of}` } : {}
    const revision = random.below(100) < 50 ? { revision: '1fd742f' } : {}
    teller.tell('component.committed', by.change ?? uid, { version: of + 1, ...by, ...revision, message: 'by it' })
  }
  for (const _ of repeat(random.below(6), () => 0)) {
    const kind = random.pick(['drifted', 'drifted', 'converged', 'observed', 'blocked'])
    teller.tell(`component.${kind}`, uid, {
      ...(kind === 'drifted' && { version: 1 }),
      ...(kind === 'blocked' && { reason: 'OutputInUse' }),
    })
  }
  if (random.below(100) < 20) teller.tell('component.removed', uid, { version: 9, message: 'gone' })
  return teller.told
}

/** None are published yet: this is the form that they will have. */
const actionHistory = (place: Place, n: number): Event[] => {
  const { random, namespace } = place
  const tags = { kind: 'ActionRequest', namespace, name: `action-${n}`, environment: random.pick(['dev', 'stage']) }
  const teller = makeTeller(place, { entity_id: `${namespace}/actionrequest/action-${n}`, tags })
  const action = random.pick(['invalidate', 'redeploy'])
  const target = idOf(n)
  const tell = (type: string, attempt: number, attrs: JsonObject = {}) =>
    teller.tell(`action.${type}`, changeUid(namespace, n % 14), { action, target, attempt, wave: 1, ...attrs })
  tell('requested', 1)
  const attempts = 1 + random.below(3)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (random.below(100) < 15) return teller.told
    if (random.below(100) < 90) tell('started', attempt)
    if (random.below(100) < 50) tell('progress', attempt)
    if (random.below(100) < 15) return teller.told
    const end =
      attempt < attempts ? 'failed' : random.pick(['succeeded', 'succeeded', 'failed', 'timed-out', 'cancelled'])
    tell(end, attempt, { result: end })
  }
  return teller.told
}

/** Of a stream of others, which no question is about. */
const foreign = ({ random, namespace, start }: Place, n: number): Event => ({
  id: `${namespace}-foreign-${n}`,
  ts: new Date(start + random.below(600) * minute).toISOString(),
  event_type: 'push',
  entity_id: `${namespace}/git/repository`,
  correlation_id: changeUid(namespace, n),
  tags: { namespace, environment: 'dev' },
  attrs: { affected: 99, nearest: ['not/this'] },
})
