import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import type { ChangeRequest, EnvironmentStatus, Guard } from '../../../operator/api/kinds.generated.ts'
import type { Held } from '../../../operator/api/lease.ts'
import type { Parsed } from '../../../operator/api/parse.ts'
import { failure, success } from '../../../operator/api/result.ts'
import type { Crossing } from '../../../operator/controllers/crossing-turn.ts'
import { makeEnvironmentReconciler } from '../../../operator/controllers/environment.ts'
import { requestMember, targetsOf } from '../../../operator/controllers/member.ts'
import { makeOutages } from '../../../operator/controllers/outages.ts'
import { makeRepairs } from '../../../operator/controllers/repairs.ts'
import { planChange } from '../../../operator/core/change/plan.ts'
import { makeGuards } from '../../../operator/core/guard/expression.ts'
import type { Cluster } from '../../../operator/ports/cluster.ts'
import { aChangeRequest, aComponent, anEnvironment, aWorld, noon } from '../../support/builders.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

interface Options {
  /** how long planning takes, in milliseconds; a lock is renewed after 500 and runs out after 1,000 */
  readonly planningMs: number
  readonly isRenewed: boolean
  /** whether the change passes a second environment */
  readonly crosses?: boolean
  /** how often the graph store does not take the version */
  readonly untaken?: number
}

/** What an environment needs in which nobody waits. */
const idle = {
  graph: makeEmbeddedGraph({ newEpoch: () => 'epoch', now: () => 0 }),
  times: { turnMs: 30_000, lingerMs: 100 },
  holder: 'me',
  guards: makeGuards({ now: () => 0 }),
  gone: () => {},
  rebuild: () => assert.fail('expected a graph that is as committed'),
  confirm: () => assert.fail('expected nobody to ask'),
  repairs: makeRepairs({ holder: 'me', onNeeded: () => {} }),
  outages: makeOutages({ after: () => () => {}, onChange: () => {} }),
  hasWork: () => false,
  crossing: () => undefined,
  plan: async () => success([]),
  planCrossing: async () => success(undefined),
  again: () => {},
  lookAt: () => {},
  forgetGraph: () => {},
  delays: { why: (): string | undefined => undefined },
  hasRoom: () => true,
}

/** One look at an environment in which a request waits, which leaves as soon as it is planned. */
const lookAt = async ({ planningMs, isRenewed, crosses = false, untaken = 0 }: Options) => {
  const { caches, put } = makeFakeCaches()
  const one = anEnvironment()
  const both = ['dev', 'prod'].map((name) => ({ ...one, metadata: { ...one.metadata, name } }))
  for (const environment of both) put('Environment', environment)
  const site = put('Component', aComponent('site/main', { config: { size: 1 } }))
  const request = put('ChangeRequest', aChangeRequest())
  const world = aWorld({ components: [site] })
  const waiting = new Set(['dev/wish'])
  const asked: string[] = []
  const phases: (string | undefined)[] = []
  let time = 0

  const held = (): Held => ({ sentAt: time, validUntil: time + 1_000, resourceVersion: '1' })
  const gone = { reason: 'Unavailable', message: 'no answer', retry: true }
  const cluster = {
    read: async (kind, key) => success(caches[kind].get(key)),
    writeStatus: async (kind, object, status) => {
      if (kind === 'ChangeRequest') phases.push((status as ChangeRequest['status'])?.phase)
      return success(put(kind, { ...object, status }))
    },
    writeSpec: async (component, patch) =>
      success(put('Component', { ...component, spec: { ...component.spec, ...patch } })),
  } as Partial<Cluster> as Cluster
  const planned = () => {
    time += planningMs
    waiting.clear()
    const plan = planChange(request, world)
    assert.ok(plan.ok)
    const { items, patch } = plan.value
    const targets = targetsOf(items, request)
    return {
      member: requestMember(request, 'WriteAhead', targets, { request, plan: plan.value, patch, world }),
      targets,
    }
  }
  let left = untaken
  let forgotten = 0
  const { reconcile } = makeEnvironmentReconciler({
    ...idle,
    graph: {
      ...idle.graph,
      publish: async (_, version) =>
        left-- > 0 ? failure(readOnly) : success({ epoch: 'epoch', version, sum: 'as committed' }),
    },
    forgetGraph: () => void forgotten++,
    cluster,
    caches,
    locks: () => ({
      acquire: async () => success(held()),
      renew: async () => (isRenewed ? success(held()) : failure(gone)),
      release: async () => {},
    }),
    clock: { now: () => noon + time, monotonic: () => time },
    sleep: async (ms) => {
      time += ms
    },
    hasWork: () => waiting.size > 0,
    crossing: (): Crossing | undefined =>
      crosses && waiting.size > 0 ? { request: 'dev/wish', environments: ['dev/dev', 'dev/prod'] } : undefined,
    plan: async () => success(waiting.size > 0 && !crosses ? [planned().member] : []),
    planCrossing: async () => {
      const { member, targets } = planned()
      return success({ ...member, parts: [{ environment: 'dev/dev', targets, content: member.content }] })
    },
    again: (key) => asked.push(key),
  })
  const look = () => reconcile('dev/dev', makeCollectedLog())
  const outcome = await look()
  return { outcome, kind: outcome.kind, asked, phases, look, left: () => left, forgotten: () => forgotten }
}

const readOnly = { reason: 'GraphUnavailable', message: 'it takes no writes', retry: true, outcome: 'NotDone' } as const

/** One look at an environment that is not there; which Environments are made then. */
const lookForGone = async (request: Parsed<ChangeRequest>): Promise<string[]> => {
  const { caches, put } = makeFakeCaches()
  put('ChangeRequest', request)
  const made: string[] = []
  const cluster = {
    createEnvironment: async (key) => {
      made.push(key)
      return success(undefined)
    },
  } as Partial<Cluster> as Cluster
  const { reconcile } = makeEnvironmentReconciler({
    ...idle,
    cluster,
    caches,
    locks: () => assert.fail('expected no lock to be taken'),
    clock: { now: () => noon, monotonic: () => 0 },
    sleep: async () => {},
  })
  await reconcile('dev/dev', makeCollectedLog())
  return made
}

/** Looks at an environment in which nobody waits, with these guards one after the other; what each look writes. */
const lookWith = (...policies: Guard[][]): Promise<(EnvironmentStatus | undefined)[]> =>
  looksAt(
    idle,
    policies.map((guards) => ({ guards })),
  )

interface Moment {
  readonly guards?: Guard[]
  /** before the look */
  readonly happens?: (put: ReturnType<typeof makeFakeCaches>['put']) => void
}

/** Looks at an environment at one moment after the other; what each look writes. */
const looksAt = async (
  dependencies: typeof idle,
  moments: readonly Moment[],
): Promise<(EnvironmentStatus | undefined)[]> => {
  const { caches, put } = makeFakeCaches()
  let environment = put('Environment', anEnvironment())
  let written: EnvironmentStatus | undefined
  const cluster = {
    writeStatus: async (kind, object, status) => {
      written = status as EnvironmentStatus
      return success(put(kind, { ...object, status }))
    },
  } as Partial<Cluster> as Cluster
  const { reconcile } = makeEnvironmentReconciler({
    ...dependencies,
    cluster,
    caches,
    locks: () => ({
      acquire: async () => assert.fail('expected no lock to be taken'),
      renew: async () => assert.fail('expected no lock to be kept'),
      release: async () => {},
    }),
    clock: { now: () => noon, monotonic: () => 0 },
    sleep: async () => {},
  })
  const looks: (EnvironmentStatus | undefined)[] = []
  for (const [at, { guards, happens }] of moments.entries()) {
    written = undefined
    happens?.(put)
    const { metadata, status } = caches.Environment.get('dev/dev') ?? environment
    environment = put('Environment', {
      ...environment,
      metadata: { ...metadata, generation: guards === undefined ? 1 : at + 1 },
      spec: { guards: guards ?? [] },
      ...(status && { status }),
    })
    await reconcile('dev/dev', makeCollectedLog())
    looks.push(written)
  }
  return looks
}

describe('controllers/environment', () => {
  it('says that a guard does not compile, and when it does again; of the generation that it has seen', async () => {
    const small: Guard = { name: 'small', expression: 'impact.count < 10' }
    const bad: Guard = { name: 'small', expression: 'impact.count <' }
    const looks = await lookWith([small], [bad], [bad], [small])
    const said = looks.map((status) => {
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')
      return `${ready?.observedGeneration} ${ready?.status} ${ready?.reason}: ${ready?.message}`
    })
    const fault =
      'GuardError: Environment dev/dev: guard small: expected a CEL expression that answers with a bool, found Unexpected token: EOF at line 1, column 15; expression: impact.count <'
    assert.deepEqual(said, [
      '1 True Ready: changes may pass',
      `2 False ${fault}`,
      `3 False ${fault}`,
      '4 True Ready: changes may pass',
    ])
  })

  const conditions = (status: EnvironmentStatus | undefined): string[] =>
    (status?.conditions ?? []).map(({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`)
  const changesMayPass = 'Ready True Ready: changes may pass'
  const everyEvent = 'EventsPublished True EventsPublished: every event is on the bus'

  it('is not Ready while its graph cannot be asked', async () => {
    const outages = makeOutages({ after: () => () => {}, onChange: () => {} })
    const refused = { reason: 'GraphUnavailable', message: 'refused', retry: true, cause: 'db gives no answer' }
    const looks = await looksAt({ ...idle, outages }, [
      { happens: () => outages.asked('dev/dev', failure(refused)) },
      { happens: () => outages.asked('dev/dev', success(1)) },
    ])
    const away =
      'Ready False GraphUnavailable: the graph of dev/dev cannot be read: db gives no answer; it is asked again until it answers'
    assert.deepEqual(looks.map(conditions), [
      [away, everyEvent],
      [changesMayPass, everyEvent],
    ])
  })

  it('says that events are late also while somebody waits for room to tell of a change', async () => {
    let why: string | undefined = 'the bus is away'
    const full = { ...idle, hasWork: () => true, hasRoom: () => false, delays: { why: () => why } }
    const looks = await looksAt(full, [
      {},
      {
        happens: () => {
          why = undefined
        },
      },
    ])
    const waits =
      'Ready False EventsDelayed: changes wait: dev/dev can remember no more that is not on the bus (the bus is away); they pass by themselves when it takes events again'
    assert.deepEqual(looks.map(conditions), [
      [waits, 'EventsPublished False EventsDelayed: the bus is away'],
      [changesMayPass, everyEvent],
    ])
  })

  it('writes nothing of how many wait while they wait for room: each write would give the claim up', async () => {
    const why = () => 'the bus is away'
    const full = { ...idle, hasWork: () => true, hasRoom: () => false, delays: { why } }
    const queued = aChangeRequest({ status: { phase: 'Queued', environment: 'dev' } })
    const looks = await looksAt(full, [{}, { happens: (put) => put('ChangeRequest', queued) }])
    assert.deepEqual(
      looks.map((status) => status?.queued),
      [0, undefined],
    )
  })

  it('lets changes pass while events are late and there is room to tell more', async () => {
    const late = { ...idle, delays: { why: () => 'the bus is away' } }
    const looks = await looksAt(late, [{}])
    assert.deepEqual(looks.map(conditions), [[changesMayPass, 'EventsPublished False EventsDelayed: the bus is away']])
  })

  const ahead = { phase: 'Applying', environment: 'dev', writeAhead: { holder: 'me', claim: '5', version: 2 } } as const

  it('an Environment that was deleted is made anew for what was written ahead in it, and not for what goes itself', async () => {
    assert.deepEqual(await lookForGone(aChangeRequest({ status: ahead })), ['dev/dev'])
    const leaving = { deletionTimestamp: new Date(noon).toISOString() }
    assert.deepEqual(await lookForGone(aChangeRequest({ status: ahead, metadata: leaving })), [])
    assert.deepEqual(await lookForGone(aChangeRequest({ status: { ...ahead, phase: 'Applied' } })), [])
  })

  it('asks a store that is away every two seconds, and brings it what was decided, however long that lasts', async () => {
    const { outcome, look, phases, left, forgotten } = await lookAt({ planningMs: 0, isRenewed: true, untaken: 30 })
    for (let last = outcome; left() >= 0; last = await look()) assert.deepEqual(last, { kind: 'after', ms: 2_000 })
    assert.deepEqual([phases[0], phases.at(-1)], ['Applying', 'Applied'])
    // It was never found anew by somebody who would not know what is to be published.
    assert.equal(forgotten(), 0)
  })

  for (const crosses of [false, true]) {
    const what = crosses ? 'a change over two environments' : 'a change'
    it(`${what}: is written ahead when it is planned, and applied`, async () => {
      const { asked, phases } = await lookAt({ planningMs: 600, isRenewed: true, crosses })
      assert.deepEqual([phases[0], phases.at(-1), asked], ['Applying', 'Applied', []])
    })

    it(`${what}: asks again when the lock could not be kept between its plan and its write-ahead`, async () => {
      const { kind, asked, phases } = await lookAt({ planningMs: 600, isRenewed: false, crosses })
      assert.deepEqual([kind, asked, phases], ['retry', ['dev/wish'], []])
    })
  }
})
