import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import type {
  ChangeRequest,
  Component,
  ComponentTypeSpec,
  EnvironmentSpec,
} from '../../../operator/api/kinds.generated.ts'
import { makeBatch } from '../../../operator/controllers/batch.ts'
import { makeGather } from '../../../operator/controllers/gather.ts'
import { makeGraphs } from '../../../operator/controllers/graphs.ts'
import type { Content } from '../../../operator/controllers/passage.ts'
import { makeRepairs } from '../../../operator/controllers/repairs.ts'
import { makeWaiting } from '../../../operator/controllers/waiting.ts'
import type { Held, Member } from '../../../operator/core/change/commit.ts'
import { committedStatus } from '../../../operator/core/component/status.ts'
import { wantedOf } from '../../../operator/core/component/wanted.ts'
import { makeImpact } from '../../../operator/core/graph/impact.ts'
import {
  aChangeRequest,
  aComponent,
  aComponentType,
  anApproval,
  anEnvironment,
  at,
  aWorld,
  noon,
} from '../../support/builders.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

interface Options {
  readonly components?: readonly Component[]
  readonly types?: Readonly<Record<string, ComponentTypeSpec>>
  readonly environment?: EnvironmentSpec
}

/** The batch planner of environment dev/dev over what is in the caches, and those who want to pass. */
const makeGate = ({ components = [], types = {}, environment = {} }: Options) => {
  const { caches, put, remove } = makeFakeCaches()
  const { guards, configFaults } = aWorld()
  const graph = makeEmbeddedGraph({ newEpoch: () => 'epoch', now: () => 0 })
  const impact = makeImpact({ now: () => 0 })
  let time = 0
  const gather = makeGather({
    caches,
    graph,
    impact,
    guards,
    configFaults,
    clock: { now: () => noon + time },
    graphs: makeGraphs({ caches, graph, repairs: makeRepairs({ holder: 'me', onNeeded: () => {} }) }),
  })
  const waiting = makeWaiting({ onEnter: () => {}, onHeldBack: () => {} })
  const clock = { monotonic: () => time }
  const sleep = async (ms: number): Promise<void> => {
    time += ms
  }
  const plan = makeBatch({ caches, gather, waiting, clock, sleep, again: () => {}, hasRoom: () => true })
  let version = 1
  const dev = put('Environment', anEnvironment(environment))
  for (const [name, spec] of Object.entries(types)) put('ComponentType', aComponentType(name, spec))
  for (const component of components) put('Component', component)
  const planAt = (seen: string) => {
    const held: Held = { resourceVersion: '1', claim: '1', version, applying: [], highest: '0' }
    return plan(dev, held, seen)
  }
  return {
    caches,
    waiting,
    put,
    remove,
    planAt,
    sleep,
    /** Requests and Components that want to pass, of which some are in the caches already. */
    enter(...objects: readonly (ChangeRequest | Component)[]): void {
      for (const object of objects) {
        const { kind, metadata } = object
        const key = `dev/${metadata.name}`
        if (kind === 'Component' && !caches.Component.get(key)) put(kind, object)
        if (kind === 'ChangeRequest' && !caches.ChangeRequest.get(key)) put(kind, object)
        waiting.enter('dev/dev', kind, key)
      }
    },
    async batch(): Promise<readonly Member<Content>[]> {
      const planned = await planAt('0')
      assert.ok(planned.ok)
      return planned.value
    },
    /** As if the batch had been published and committed. */
    commit(members: readonly Member<Content>[]): void {
      version++
      gather.forget('dev/dev')
      for (const { content, stage } of members) {
        if (stage !== 'WriteAhead') continue
        const item = content.plan!.items[0]!
        const component = caches.Component.get(`dev/${item.component.metadata.name}`)!
        const spec = { ...component.spec, ...item.after }
        const status = committedStatus({ ...component, spec }, { wanted: wantedOf(spec), version, now: noon })
        put('Component', { ...component, spec, status })
      }
    },
    waits: (): string[] => [...waiting.of('dev/dev', 'ChangeRequest')].map((key) => key.slice(4)).sort(),
  }
}

/** `stage name` of each, with the step that settles it. */
const lines = (members: readonly Member<Content>[]): string[] =>
  members.map(({ stage, applying, content }) => {
    const { step } = content
    return `${stage} ${applying.kind} ${applying.name}${step ? ` ${step.to}${'reason' in step ? ` ${step.reason}` : ''}` : ''}`
  })

const request = (name: string, component: string, options: Parameters<typeof aChangeRequest>[0] = {}) =>
  aChangeRequest({ name, component, ...options })
const created = (seconds: number) => ({ metadata: { creationTimestamp: at(noon + seconds * 1_000) } })
const to = (component: string) => [{ name: 'to', component }]

const site = aComponent('site/main', { config: { size: 1 } })
const cdn = aComponent('cdn/c', { references: to('site/main') })
const bucket = aComponent('bucket/b', { config: { size: 1 } })

describe('controllers/batch: requests', () => {
  it('those which do not touch each other pass together', async () => {
    const gate = makeGate({ components: [site, cdn, bucket] })
    gate.enter(request('a', 'site/main'), request('b', 'bucket/b'))
    assert.deepEqual(lines(await gate.batch()), ['WriteAhead ChangeRequest a', 'WriteAhead ChangeRequest b'])
    assert.deepEqual(gate.waits(), [])
  })

  it('one waits for another of the same Component, or of one that it affects, and passes next', async () => {
    const gate = makeGate({ components: [site, cdn, bucket] })
    gate.enter(
      request('a', 'site/main'),
      request('b', 'site/main', { proposedChange: { x: 1 } }),
      request('c', 'cdn/c'),
    )
    const first = await gate.batch()
    assert.deepEqual(lines(first), ['WriteAhead ChangeRequest a'])
    assert.deepEqual(gate.waits(), ['b', 'c'])
    gate.commit(first)
    // c is affected by b, which came before it.
    const second = await gate.batch()
    assert.deepEqual(lines(second), ['WriteAhead ChangeRequest b'])
    gate.commit(second)
    assert.deepEqual(lines(await gate.batch()), ['WriteAhead ChangeRequest c'])
  })

  it('one that refers to what another takes away does not pass together with it, whichever came first', async () => {
    const [drop, refer] = [
      request('a-drop', 'bucket/b', { operation: 'Delete', ...created(1) }),
      request('b-refer', 'site/main', { proposedReferences: to('bucket/b'), ...created(2) }),
    ]
    const gate = makeGate({ components: [site, bucket] })
    gate.enter(drop, refer)
    assert.deepEqual(lines(await gate.batch()), ['WriteAhead ChangeRequest a-drop'])
    assert.deepEqual(gate.waits(), ['b-refer'])
    const other = makeGate({ components: [site, bucket] })
    other.enter({ ...drop, metadata: { ...drop.metadata, ...created(3).metadata } }, refer)
    assert.deepEqual(lines(await other.batch()), ['WriteAhead ChangeRequest b-refer'])
    assert.deepEqual(other.waits(), ['a-drop'])
  })

  it('several that newly refer to the same pass together', async () => {
    const gate = makeGate({ components: [site, bucket, aComponent('net/n')] })
    const references = { proposedReferences: to('bucket/b') }
    gate.enter(request('a', 'site/main', references), request('b', 'net/n', references))
    assert.equal((await gate.batch()).length, 2)
  })

  it('what is being deleted does not leave together with one that comes and refers to it', async () => {
    const going = { ...bucket, metadata: { ...bucket.metadata, deletionTimestamp: 'now' } }
    const gate = makeGate({ components: [going] })
    gate.enter(going, aComponent('site/new', { committed: false, references: to('bucket/b') }))
    assert.deepEqual(lines(await gate.batch()), ['Ahead Creation site.new'])
  })

  it('first come, first served; of one second, by name', async () => {
    const gate = makeGate({ components: [site] })
    gate.enter(
      request('a', 'site/main', created(9)),
      request('c', 'site/main', created(5)),
      request('b', 'site/main', created(5)),
    )
    assert.deepEqual(lines(await gate.batch()), ['WriteAhead ChangeRequest b'])
  })

  it('the second of two that come together is not done before the first: what it undoes, it undoes after it', async () => {
    const gate = makeGate({ components: [site] })
    gate.enter(
      request('do', 'site/main', { proposedChange: { size: 2 }, ...created(1) }),
      request('undo', 'site/main', { proposedChange: { size: 1 }, ...created(2) }),
    )
    const first = await gate.batch()
    assert.deepEqual(lines(first), ['WriteAhead ChangeRequest do'])
    gate.commit(first)
    const second = await gate.batch()
    assert.deepEqual(lines(second), ['WriteAhead ChangeRequest undo'])
    assert.equal(second[0]?.content.plan?.items[0]?.after?.config?.size, 1)
  })

  it('nor is it rejected for what the first is about to set right', async () => {
    const guards = [{ name: 'open', expression: "!('/size' in changedPaths) || ('open' in before && before.open)" }]
    const gate = makeGate({ components: [site], types: { site: { guards } } })
    gate.enter(
      request('open', 'site/main', { proposedChange: { open: true }, ...created(1) }),
      request('grow', 'site/main', { proposedChange: { size: 2 }, ...created(2) }),
    )
    const first = await gate.batch()
    assert.deepEqual(lines(first), ['WriteAhead ChangeRequest open'])
    gate.commit(first)
    assert.deepEqual(lines(await gate.batch()), ['WriteAhead ChangeRequest grow'])
  })

  it('what would change nothing is settled without a version', async () => {
    const gate = makeGate({ components: [site] })
    gate.enter(request('a', 'site/main', { proposedChange: { size: 1 } }))
    assert.deepEqual(lines(await gate.batch()), ['Settle ChangeRequest a Applied Unchanged'])
  })

  const settled: [title: string, options: Parameters<typeof aChangeRequest>[0], expected: string[]][] = [
    ['cancelled', { cancel: true }, ['Settle ChangeRequest a Cancelled Cancelled']],
    ['rejected by a guard', { proposedChange: { size: 99 } }, ['Settle ChangeRequest a Rejected GuardFailed']],
    ['held by a guard', { proposedChange: { size: 50 } }, ['Settle ChangeRequest a Queued']],
    ['only planned', { mode: 'Plan' }, ['Settle ChangeRequest a Planned']],
    [
      'of a Component that is not there',
      { component: 'site/none' },
      ['Settle ChangeRequest a Rejected UnknownComponent'],
    ],
    ['of a Component that is not committed', { component: 'site/new' }, ['Settle ChangeRequest a Queued']],
    ['ended meanwhile', { status: { phase: 'Applied' } }, []],
    ['in phase Applying', { status: { phase: 'Applying' } }, []],
  ]
  for (const [title, options, expected] of settled) {
    it(`one that is ${title} leaves the gate`, async () => {
      const guards = [
        { name: 'most', expression: 'after.size < 90' },
        { name: 'much', expression: 'after.size < 40', verdict: 'Queue' as const },
      ]
      const gate = makeGate({
        components: [site, aComponent('site/new', { committed: false })],
        types: { site: { guards } },
      })
      gate.enter(request('a', 'site/main', options))
      assert.deepEqual(lines(await gate.batch()), expected)
      assert.deepEqual(gate.waits(), [])
    })
  }

  describe('of which a guard asks an approval', () => {
    const guards = [
      { name: 'wide', expression: 'impact.count < 1', verdict: 'RequireApproval' as const },
      { name: 'much', expression: 'after.size < 40', verdict: 'Queue' as const },
    ]
    const gateWith = () => makeGate({ components: [site, cdn], types: { site: { guards } } })
    const wish = request('wish', 'site/main')
    /** The plan that it has; it leaves the gate, as one that awaits an approval does. */
    const hashOf = async (gate: ReturnType<typeof makeGate>): Promise<string> => {
      gate.enter(wish)
      const [member] = await gate.batch()
      const step = member?.content.step
      assert.ok(step?.to === 'AwaitingApproval')
      gate.put(
        'ChangeRequest',
        request('wish', 'site/main', {
          status: { phase: 'AwaitingApproval', plan: { hash: step.plan.hash }, blockedBy: [...step.blockedBy] },
        }),
      )
      return step.plan.hash
    }
    const put = (gate: ReturnType<typeof makeGate>, hash: string, options: Parameters<typeof anApproval>[1] = {}) =>
      gate.put('ChangeApproval', anApproval(hash, options))

    it('passes with it, and names it', async () => {
      const gate = gateWith()
      put(gate, await hashOf(gate))
      gate.enter(wish)
      const members = await gate.batch()
      assert.deepEqual(lines(members), ['WriteAhead ChangeRequest wish'])
      assert.deepEqual(members[0]?.content.approvals, [
        { name: 'yes', uid: 'uid-yes', decision: 'Approve', username: 'al' },
      ])
    })

    it('does not with one that was taken back at the gate', async () => {
      const gate = gateWith()
      put(gate, await hashOf(gate))
      gate.enter(wish)
      gate.remove('ChangeApproval', 'dev/yes')
      assert.deepEqual(lines(await gate.batch()), [])
      assert.deepEqual(gate.waits(), [])
    })

    it('nor with one whose time ran out at the gate', async () => {
      const gate = gateWith()
      put(gate, await hashOf(gate), { validForSeconds: 10 })
      gate.enter(wish)
      await gate.sleep(9_999)
      gate.enter(wish)
      assert.deepEqual(lines(await gate.batch()), ['WriteAhead ChangeRequest wish'])
      gate.enter(wish)
      await gate.sleep(1)
      assert.deepEqual(lines(await gate.batch()), ['Settle ChangeRequest wish AwaitingApproval'])
    })

    it('nor with one of a plan that it has no more, because one more is affected', async () => {
      const gate = gateWith()
      put(gate, await hashOf(gate))
      gate.put('Component', aComponent('cdn/d', { references: to('site/main') }))
      gate.commit([])
      gate.enter(wish)
      assert.deepEqual(lines(await gate.batch()), ['Settle ChangeRequest wish AwaitingApproval'])
    })

    it('passes with one that was given for a plan that it came back to', async () => {
      const gate = gateWith()
      const hash = await hashOf(gate)
      gate.put('Component', aComponent('cdn/d', { references: to('site/main') }))
      gate.commit([])
      put(gate, hash)
      gate.enter(wish)
      assert.deepEqual(lines(await gate.batch()), ['Settle ChangeRequest wish AwaitingApproval'])
      gate.remove('Component', 'dev/cdn.d')
      gate.commit([])
      gate.enter(wish)
      assert.deepEqual(lines(await gate.batch()), ['WriteAhead ChangeRequest wish'])
    })

    it('is rejected when somebody is against it, at the gate too', async () => {
      const gate = gateWith()
      const hash = await hashOf(gate)
      put(gate, hash)
      gate.enter(wish)
      put(gate, hash, { name: 'no', decision: 'Deny' })
      assert.deepEqual(lines(await gate.batch()), ['Settle ChangeRequest wish Rejected Denied'])
    })
  })

  it('one that waits as before is not written again', async () => {
    const gate = makeGate({ components: [aComponent('site/new', { committed: false })] })
    gate.enter(request('a', 'site/new'))
    const [member] = await gate.batch()
    const step = member?.content.step
    assert.ok(step?.to === 'Queued')
    const status = { phase: 'Queued' as const, blockedBy: [...step.blockedBy] }
    gate.put('ChangeRequest', request('a', 'site/new', { status }))
    gate.enter(request('a', 'site/new'))
    assert.deepEqual(lines(await gate.batch()), [])
    assert.deepEqual(gate.waits(), [])
  })

  it('one that has gone leaves the gate', async () => {
    const gate = makeGate({ components: [site] })
    gate.enter(request('a', 'site/main'))
    gate.remove('ChangeRequest', 'dev/a')
    assert.deepEqual([await gate.batch(), gate.waits()], [[], []])
  })

  it('as many as fit where they are written down', async () => {
    const components = Array.from({ length: 700 }, (_, i) => aComponent(`site/s${i}`))
    const gate = makeGate({ components })
    gate.enter(...components.map(({ spec }) => request(`r${spec.nickname}`, `site/${spec.nickname}`)))
    const members = await gate.batch()
    assert.ok(members.length > 400 && members.length <= 640, `${members.length} members`)
    assert.equal(gate.waits().length, 700 - members.length)
  })
})

describe('controllers/batch: Components', () => {
  it('new ones pass first, all in one version, dependencies first', async () => {
    const gate = makeGate({ components: [site] })
    const fresh = [
      aComponent('a/a', { references: to('b/b'), committed: false }),
      aComponent('b/b', { committed: false }),
    ]
    gate.enter(request('r', 'site/main'), ...fresh)
    assert.deepEqual(lines(await gate.batch()), ['Ahead Creation b.b', 'Ahead Creation a.a'])
    assert.deepEqual(gate.waits(), ['r'])
  })

  it('what is held back is told, and leaves the gate', async () => {
    const gate = makeGate({})
    gate.enter(aComponent('a/a', { references: to('b/none'), committed: false }))
    assert.deepEqual(await gate.batch(), [])
    assert.deepEqual(
      gate.waiting.heldBack('dev/a.a').map(({ reason }) => reason),
      ['MissingReference'],
    )
    assert.ok(!gate.waiting.has('dev/dev'))
  })

  it('one that is judged with those that it needs, though they were held back before', async () => {
    const gate = makeGate({ components: [aComponent('a/a', { references: to('b/b'), committed: false })] })
    gate.enter(aComponent('b/b', { references: to('a/a'), committed: false }))
    await gate.batch()
    for (const key of ['dev/a.a', 'dev/b.b']) {
      assert.deepEqual(
        gate.waiting.heldBack(key).map(({ reason }) => reason),
        ['Cycle'],
      )
    }
  })

  const leaving = { metadata: { deletionTimestamp: at(noon) } }
  it('one that is referred to stays until those go too', async () => {
    const gate = makeGate({ components: [cdn] })
    gate.enter(aComponent('site/main', leaving))
    assert.deepEqual(await gate.batch(), [])
    assert.deepEqual(
      gate.waiting.heldBack('dev/site.main').map(({ message }) => message),
      ['Component site/main: is being deleted, but cdn/c refer to it; delete them first'],
    )
    gate.put('Component', aComponent('cdn/c', { references: to('site/main'), ...leaving }))
    gate.enter(aComponent('site/main', leaving), cdn)
    assert.deepEqual(lines(await gate.batch()).sort(), ['Ahead Removal cdn.c', 'Ahead Removal site.main'])
  })

  it('one that is referred to from elsewhere stays until those have gone', async () => {
    const elsewhere = { environment: 'live', references: to('site/main') }
    const gate = makeGate({ components: [aComponent('cdn/c', { ...elsewhere, ...leaving })] })
    gate.put('Environment', { ...anEnvironment(), metadata: { namespace: 'dev', name: 'live' } })
    const shop = { metadata: { namespace: 'shop' }, references: to('dev/site/main') }
    gate.put('Component', aComponent('cart/c', shop))
    gate.put('Environment', { ...anEnvironment(), metadata: { namespace: 'shop', name: 'dev' } })
    gate.enter(aComponent('site/main', { ...leaving, allowedNamespaces: ['shop'] }))
    assert.deepEqual(await gate.batch(), [])
    assert.deepEqual(
      gate.waiting.heldBack('dev/site.main').map(({ message }) => message),
      ['Component site/main: is being deleted, but cdn/c, shop/cart/c refer to it; delete them first'],
    )
    // Who may not refer to it does not hold it.
    gate.put('Component', aComponent('site/main', leaving))
    gate.put('Component', aComponent('cdn/c', { ...elsewhere, committed: false }))
    gate.enter(aComponent('site/main', leaving))
    assert.deepEqual(lines(await gate.batch()), ['Ahead Removal site.main'])
  })

  it('names five of many that refer to it', async () => {
    const many = Array.from({ length: 12 }, (_, i) => aComponent(`cdn/c${i}`, { references: to('site/main') }))
    const gate = makeGate({ components: many })
    gate.enter(aComponent('site/main', leaving))
    await gate.batch()
    assert.match(
      gate.waiting.heldBack('dev/site.main')[0]?.message ?? '',
      /cdn\/c0, cdn\/c1, cdn\/c10, cdn\/c11, cdn\/c2 and 7 more refer to it/,
    )
  })

  it('one that has come or gone already leaves the gate', async () => {
    const gate = makeGate({ components: [site] })
    gate.enter(site, aComponent('x/y', { committed: false, ...leaving }), aComponent('x/z', { committed: false }))
    gate.remove('Component', 'dev/x.z')
    assert.deepEqual(await gate.batch(), [])
    assert.ok(!gate.waiting.has('dev/dev'))
  })
})

describe('controllers/batch: nothing older than what was committed last', () => {
  it('waits for the cache, and gives up in time', async () => {
    const gate = makeGate({ components: [site] })
    const planned = await gate.planAt('999999')
    assert.ok(!planned.ok)
    assert.deepEqual([planned.failure.reason, planned.failure.retry], ['Unavailable', true])
    assert.match(planned.failure.message, /^Components are known up to resourceVersion \d+, expected 999999$/)
  })
})
