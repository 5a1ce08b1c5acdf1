import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import type { ChangeRequestSpec, EnvironmentSpec } from '../../../operator/api/kinds.generated.ts'
import { makeCrossingPlan } from '../../../operator/controllers/crossing-plan.ts'
import { makeGather } from '../../../operator/controllers/gather.ts'
import { makeGraphs } from '../../../operator/controllers/graphs.ts'
import { makeRepairs } from '../../../operator/controllers/repairs.ts'
import { makeWaiting } from '../../../operator/controllers/waiting.ts'
import { makeImpact } from '../../../operator/core/graph/impact.ts'
import { aChangeRequest, aComponent, anEnvironment, aWorld, noon } from '../../support/builders.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

/** What is planned for one request in environments of `dev`, which are held; and where it waits afterwards. */
const planOf = async (
  spec: Omit<ChangeRequestSpec, 'requestedBy'>,
  { prod = {}, held = ['dev', 'prod'] }: { prod?: EnvironmentSpec; held?: readonly string[] } = {},
) => {
  const { caches, put } = makeFakeCaches()
  const { guards, configFaults } = aWorld()
  const clock = { now: () => noon, monotonic: () => 0 }
  const graph = makeEmbeddedGraph({ newEpoch: () => 'epoch', now: () => 0 })
  const gather = makeGather({
    caches,
    graph,
    impact: makeImpact({ now: () => 0 }),
    guards,
    configFaults,
    clock,
    graphs: makeGraphs({ caches, graph, repairs: makeRepairs({ holder: 'me', onNeeded: () => {} }) }),
  })
  const waiting = makeWaiting({ onEnter: () => {}, onHeldBack: () => {} })
  const asked: string[] = []
  const again = (key: string): void => void asked.push(key)
  const plan = makeCrossingPlan({ caches, gather, waiting, clock, sleep: async () => {}, hasRoom: () => true, again })
  const one = anEnvironment()
  const environments = ['dev', 'prod', 'test'].map((name) =>
    put('Environment', {
      ...one,
      metadata: { ...one.metadata, name },
      ...(name === 'prod' && { spec: prod }),
    }),
  )
  for (const component of [near, far, further, abroad]) put('Component', component)
  const request = put('ChangeRequest', {
    ...aChangeRequest({ name: 'both' }),
    spec: { ...aChangeRequest({}).spec, component: undefined, ...spec } as ChangeRequestSpec,
  })
  waiting.enter('dev/dev', 'Crossing', 'dev/both')
  const gathered = environments
    .filter(({ metadata }) => held.includes(metadata.name))
    .map((environment, i) => ({ environment, version: i + 1, changeId: '', seen: '0' }))
  const planned = await plan(`dev/${request.metadata.name}`, gathered)
  assert.ok(planned.ok, JSON.stringify(planned))
  const { parts = [], stage, content } = planned.value ?? {}
  return {
    stage,
    parts: parts.map(({ environment, targets, content: of }) => [
      environment,
      targets.map(({ component }) => component),
      (of.patch ?? []).map(({ id }) => id),
    ]),
    step: content?.step,
    versions: content?.world && content.plan && [content.world.version, content.world.beside?.get('dev/prod')?.version],
    isWaiting: waiting.has('dev/dev'),
    asked,
  }
}

const near = aComponent('net/near', { config: { size: 1 } })
const far = aComponent('net/far', { environment: 'prod', config: { size: 1 } })
const further = aComponent('net/further', { environment: 'test', config: { size: 1 } })
const abroad = aComponent('net/open', {
  config: { size: 1 },
  allowedNamespaces: ['dev'],
  metadata: { namespace: 'abroad' },
})
const both = [
  { component: 'net/near', proposedChange: { size: 2 } },
  { component: 'net/far', proposedChange: { size: 2 } },
]

describe('controllers/crossing-plan', () => {
  it('a part in each environment, planned at the version that is held there', async () => {
    const { stage, parts, versions, isWaiting } = await planOf({ changes: both })
    assert.deepEqual(
      [stage, parts, versions, isWaiting],
      [
        'WriteAhead',
        [
          ['dev/dev', ['net.near'], ['dev/net/near']],
          ['dev/prod', ['net.far'], ['dev/net/far']],
        ],
        [1, 2],
        false,
      ],
    )
  })

  it('no part where nothing is changed, unless something there is newly referred to: then an empty one', async () => {
    const unchanged = { component: 'net/far', proposedChange: { size: 1 } }
    const alone = await planOf({ changes: [both[0]!, unchanged] })
    assert.deepEqual(alone.parts, [['dev/dev', ['net.near'], ['dev/net/near']]])
    const proposedReferences = [{ name: 'far', component: 'net/far' }]
    const referring = await planOf({ changes: [{ component: 'net/near', proposedReferences }, unchanged] })
    assert.deepEqual(referring.parts, [
      ['dev/dev', ['net.near'], ['dev/net/near']],
      ['dev/prod', [], []],
    ])
  })

  it('an environment that it newly refers to is passed too, with an empty part', async () => {
    const proposedReferences = [{ name: 'further', component: 'net/further' }]
    const changes = [{ component: 'net/near', proposedReferences }, both[1]!]
    const asks = await planOf({ changes })
    assert.deepEqual([asks.stage, asks.asked], [undefined, ['dev/both']])
    const { parts } = await planOf({ changes }, { held: ['dev', 'prod', 'test'] })
    assert.deepEqual(parts, [
      ['dev/dev', ['net.near'], ['dev/net/near']],
      ['dev/prod', ['net.far'], ['dev/net/far']],
      ['dev/test', [], []],
    ])
  })

  it('a new reference into another namespace is refused', async () => {
    const proposedReferences = [{ name: 'abroad', component: 'abroad/net/open' }]
    const { stage, step } = await planOf({ changes: [{ component: 'net/near', proposedReferences }, both[1]!] })
    assert.deepEqual([stage, step?.to], ['Settle', 'Rejected'])
    assert.match(JSON.stringify(step), /ForeignReference.*found one to abroad\/net\/open of environment abroad\/dev/)
  })

  it('a guard of the second environment has its say about what is there', async () => {
    const guards = [{ name: 'closed', expression: 'component.nickname == "near"' }]
    const { step } = await planOf({ changes: both }, { prod: { guards } })
    assert.match(JSON.stringify(step), /"to":"Rejected","reason":"GuardFailed".*Environment dev\/prod/)
  })

  it('what it is about has gone since: it asks where to wait', async () => {
    const changes = [both[0]!, { component: 'net/gone', operation: 'Delete' as const }]
    const { stage, isWaiting, asked } = await planOf({ changes })
    assert.deepEqual([stage, isWaiting, asked], [undefined, false, ['dev/both']])
  })
})
