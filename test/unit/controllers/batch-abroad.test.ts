import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import type { ChangeRequest, Component, EnvironmentStatus } from '../../../operator/api/kinds.generated.ts'
import { makeBatch } from '../../../operator/controllers/batch.ts'
import { makeGather } from '../../../operator/controllers/gather.ts'
import { makeGraphs } from '../../../operator/controllers/graphs.ts'
import { makeRepairs } from '../../../operator/controllers/repairs.ts'
import { makeWaiting } from '../../../operator/controllers/waiting.ts'
import { makeImpact } from '../../../operator/core/graph/impact.ts'
import { aChangeRequest, aComponent, anEnvironment, aWorld, noon } from '../../support/builders.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

const to = (component: string) => [{ name: 'to', component }]
const site = aComponent('site/main', { environment: 'other', config: { size: 1 } })
const cdn = aComponent('cdn/c')
const fresh = aComponent('cdn/new', { committed: false, references: to('site/main') })
const behind = aComponent('dns/behind', { committed: false, references: to('cdn/new') })
const alone = aComponent('bucket/alone', { committed: false })
const refer = aChangeRequest({ name: 'refer', component: 'cdn/c', proposedReferences: to('site/main') })
const resize = aChangeRequest({ name: 'resize', component: 'cdn/c', proposedChange: { size: 2 } })

interface Options {
  readonly components: readonly Component[]
  readonly entering: readonly (Component | ChangeRequest)[]
  readonly status?: EnvironmentStatus
  /** of the environment `other`; null: it is not there */
  readonly other?: EnvironmentStatus | null
  /** Somebody has just committed something there that the cache does not show. */
  readonly isBusy?: boolean
}

/** One batch of environment dev/dev, beside which there is dev/other. */
const batchOf = async ({ components, entering, status = { version: 1 }, other = { version: 1 }, isBusy }: Options) => {
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
  const woken: string[] = []
  const waiting = makeWaiting({ onEnter: (key) => void woken.push(key), onHeldBack: () => {} })
  const plan = makeBatch({
    caches,
    gather,
    waiting,
    clock,
    sleep: async () => {},
    again: () => {},
    hasRoom: () => true,
  })
  const one = anEnvironment()
  const putElsewhere = (of: EnvironmentStatus) =>
    put('Environment', { ...one, metadata: { ...one.metadata, name: 'other' }, status: of })
  let elsewhere = other && putElsewhere(other)
  for (const component of components) put('Component', component)
  for (const object of entering) {
    if (!caches[object.kind as 'Component'].get(`dev/${object.metadata.name}`))
      put(object.kind as 'Component', object as Component)
    waiting.enter('dev/dev', object.kind as 'Component', `dev/${object.metadata.name}`)
  }
  if (isBusy) {
    // It was looked at before, so one version before the newest is held.
    const before = await gather.world(put('Environment', anEnvironment({}, status)), { version: 1, changeId: '' })
    assert.ok(before.ok)
    const committedResourceVersion = String(Number(caches.Component.resourceVersion()) + 1)
    elsewhere = putElsewhere({ version: 2, committedResourceVersion })
  }
  woken.length = 0
  const dev = put('Environment', anEnvironment({}, status))
  const { resourceVersion = '' } = dev.metadata
  const held = { resourceVersion, claim: resourceVersion, version: 1, applying: [], highest: '0' }
  const planned = await plan(dev, held, '0')
  assert.ok(planned.ok)
  return {
    passing: planned.value.map(
      ({ applying, stage, content }) => `${stage} ${applying.name}${content.step ? ` ${content.step.to}` : ''}`,
    ),
    refers: planned.value.map(({ refers }) => refers),
    waits: [...waiting.of('dev/dev', 'Component'), ...waiting.of('dev/dev', 'ChangeRequest')].map((key) =>
      key.slice(4),
    ),
    woken,
    at: elsewhere?.metadata.resourceVersion,
  }
}

const promisedBy = (resourceVersion: string): EnvironmentStatus => ({
  version: 1,
  promised: [{ environment: 'dev/other', resourceVersion, version: 2, components: ['cdn/c'] }],
})

describe('controllers/batch: references into other environments', () => {
  it('what comes, and what is asked for, says what it newly refers to', async () => {
    const coming = await batchOf({ components: [site], entering: [fresh] })
    const pledge = (resourceVersion = '') => [
      { environment: 'dev/other', resourceVersion, components: ['dev/site/main'] },
    ]
    assert.deepEqual([coming.passing, coming.refers], [['Ahead cdn.new'], [pledge(coming.at)]])
    const asked = await batchOf({ components: [site, cdn], entering: [refer] })
    assert.deepEqual([asked.passing, asked.refers], [['WriteAhead refer'], [pledge(asked.at)]])
  })

  it('nothing is promised for what it refers to already, or in its own environment', async () => {
    const near = aComponent('bucket/near')
    const far = aComponent('cdn/c', { references: to('site/main') })
    const asked = await batchOf({ components: [site, far], entering: [resize] })
    assert.deepEqual([asked.passing, asked.refers], [['WriteAhead resize'], [undefined]])
    const coming = aComponent('cdn/new', { committed: false, references: to('bucket/near') })
    const { passing, refers } = await batchOf({ components: [near], entering: [coming] })
    assert.deepEqual([passing, refers], [['Ahead cdn.new'], [undefined]])
  })

  it('waits, with all that needs it, while that environment does not show as it is; the rest passes', async () => {
    const coming = await batchOf({ components: [site], entering: [fresh, behind, alone], isBusy: true })
    assert.deepEqual(
      [coming.passing, coming.waits],
      [['Ahead bucket.alone'], ['cdn.new', 'dns.behind', 'bucket.alone']],
    )
    const asked = await batchOf({ components: [site, cdn], entering: [refer], isBusy: true })
    assert.deepEqual([asked.passing, asked.waits], [[], ['refer']])
  })

  it('an Environment that is not there is asked for', async () => {
    const { passing, waits, woken } = await batchOf({ components: [site], entering: [fresh], other: null })
    assert.deepEqual([passing, waits, woken], [[], ['cdn.new'], ['dev/other']])
  })

  it('what others are about to refer to stays as it is until that is decided', async () => {
    const going = { ...cdn, metadata: { ...cdn.metadata, deletionTimestamp: 'now' } }
    const drop = aChangeRequest({ name: 'drop', component: 'cdn/c', operation: 'Delete' })
    // The fake caches give resourceVersions from 1,001 on: the other environment has the first.
    const open = promisedBy('1001')
    for (const [component, entering] of [
      [going, going],
      [cdn, drop],
      [cdn, resize],
    ] as const) {
      const held = await batchOf({ components: [component], entering: [entering], status: open })
      assert.deepEqual([held.passing, held.waits], [[], [entering.metadata.name]])
      const free = await batchOf({ components: [component], entering: [entering], status: promisedBy('1000') })
      assert.equal(free.passing.length, 1, 'it was never published')
    }
  })

  it('what has nothing to do with that passes', async () => {
    const bucket = aComponent('bucket/b')
    const other = aChangeRequest({ name: 'other', component: 'bucket/b' })
    const { passing, waits } = await batchOf({
      components: [cdn, bucket],
      entering: [resize, other],
      status: promisedBy('1001'),
    })
    assert.deepEqual([passing, waits], [['WriteAhead other'], ['resize']])
  })
})
