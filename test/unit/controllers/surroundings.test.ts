import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import type { Component, EnvironmentStatus } from '../../../operator/api/kinds.generated.ts'
import { makeGather } from '../../../operator/controllers/gather.ts'
import { makeGraphs } from '../../../operator/controllers/graphs.ts'
import { makeRepairs } from '../../../operator/controllers/repairs.ts'
import { versionsOf } from '../../../operator/core/change/plan.ts'
import { makeImpact } from '../../../operator/core/graph/impact.ts'
import { aChangeRequest, aComponent, anEnvironment, aWorld, noon } from '../../support/builders.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

type Options = Parameters<typeof aComponent>[1]

/** `place`: namespace/environment. */
const component = (place: string, id: string, refersTo: readonly string[] = [], options: Options = {}): Component => {
  const [namespace = '', environment = ''] = place.split('/')
  const references = refersTo.map((name, i) => ({ name: `r${i}`, component: name }))
  return aComponent(id, { environment, references, metadata: { namespace }, ...options })
}

const environmentAt = (place: string, status: EnvironmentStatus = { version: 1 }) => {
  const [namespace = '', name = ''] = place.split('/')
  const environment = anEnvironment({}, status)
  return { ...environment, metadata: { ...environment.metadata, namespace, name, uid: `uid-${place}` } }
}

const makeCluster = (...components: Component[]) => {
  const { caches, put, remove } = makeFakeCaches()
  const { guards, configFaults } = aWorld()
  const store = makeEmbeddedGraph({ newEpoch: () => 'epoch', now: () => 0 })
  const built: string[] = []
  const load: typeof store.load = (key, ...rest) => {
    built.push(key)
    return store.load(key, ...rest)
  }
  const graph = { ...store, load }
  const impact = makeImpact({ now: () => 0 })
  const gather = makeGather({
    caches,
    graph,
    impact,
    guards,
    configFaults,
    clock: { now: () => noon },
    graphs: makeGraphs({ caches, graph, repairs: makeRepairs({ holder: 'me', onNeeded: () => {} }) }),
  })
  const places = new Set(components.map(({ metadata, spec }) => `${metadata.namespace}/${spec.environment}`))
  for (const place of places) put('Environment', environmentAt(place))
  for (const one of components) put('Component', one)
  const tryWorld = (place: string) => {
    const environment = caches.Environment.get(place)
    assert.ok(environment)
    return gather.world(environment, { version: environment.status?.version ?? 0, changeId: '' })
  }
  const world = async (place: string) => {
    const found = await tryWorld(place)
    assert.ok(found.ok)
    return found.value
  }
  return { caches, put, remove, built, graph, gather, world, tryWorld }
}

describe('controllers/surroundings', () => {
  const site = component('dev/dev', 'site/main', [], { allowedNamespaces: ['shop'] })
  const live = component('dev/live', 'cdn/c', ['site/main'])
  const cart = component('shop/dev', 'cart/c', ['dev/site/main'])
  const behind = component('shop/live', 'page/p', ['cart/c'])
  const own = component('dev/dev', 'zone/z', ['cdn/c'])
  const unrelated = [component('other/dev', 'cart/c'), component('other/live', 'page/p', ['cart/c'])]

  it('what depends on an environment elsewhere is in its view, by whatever way', async () => {
    const { world, built } = makeCluster(site, live, cart, behind, own, ...unrelated)
    const { impact, otherVersions, view } = await world('dev/dev')
    const reached = impact([{ id: 'dev/site/main', outputs: 'all' }]).nearest(10)
    assert.deepEqual(
      reached.map(({ id, distance }) => `${distance} ${id}`),
      ['1 dev/cdn/c', '1 shop/cart/c', '2 dev/zone/z', '2 shop/page/p'],
    )
    assert.deepEqual(view.dependentsOf('dev/site/main').sort(), ['dev/cdn/c', 'shop/cart/c'])
    assert.deepEqual(otherVersions, { 'dev/live': 1, 'shop/dev': 1, 'shop/live': 1 })
    assert.deepEqual(built.toSorted(), ['dev/dev', 'dev/live', 'shop/dev', 'shop/live'])
  })

  it('of a namespace into which nobody refers nothing else is built, and nothing is named', async () => {
    const { world, built } = makeCluster(site, live, cart, behind, own, ...unrelated)
    const { otherVersions } = await world('other/live')
    assert.deepEqual(otherVersions, {})
    assert.deepEqual(built, ['other/live', 'other/dev'])
  })

  it('is put together once, until something in it moves', async () => {
    const { world, put, graph } = makeCluster(site, live, cart)
    const first = await world('dev/dev')
    assert.equal((await world('dev/dev')).view, first.view)
    await graph.publish('dev/live', 2, [{ id: 'dev/cdn/c', removed: true }], { changeId: 'x', claim: '1' })
    put('Environment', environmentAt('dev/live', { version: 2 }))
    const next = await world('dev/dev')
    assert.deepEqual(next.view.dependentsOf('dev/site/main'), ['shop/cart/c'])
    assert.deepEqual(next.otherVersions, { 'shop/dev': 1 })
  })

  it('another namespace comes in with its first reference, and goes with its last', async () => {
    const { world, put, gather } = makeCluster(site, component('shop/dev', 'cart/c'))
    assert.deepEqual((await world('dev/dev')).otherVersions, {})
    put('Component', cart)
    gather.forget('shop/dev')
    assert.deepEqual((await world('dev/dev')).otherVersions, { 'shop/dev': 1 })
    put('Component', component('shop/dev', 'cart/c'))
    gather.forget('shop/dev')
    assert.deepEqual((await world('dev/dev')).otherVersions, {})
  })

  it('a graph that is not held waits until its environment is whole', async () => {
    const { tryWorld, put } = makeCluster(site, live)
    const applying = [{ kind: 'Creation', name: 'cdn.new', uid: 'uid-cdn.new' }] as const
    put('Environment', environmentAt('dev/live', { version: 2, applying: [...applying] }))
    put('Component', component('dev/live', 'cdn/new', [], { committed: false }))
    const waits = await tryWorld('dev/dev')
    assert.ok(!waits.ok)
    assert.equal(waits.failure.retry, true)
    assert.match(waits.failure.message, /graph of dev\/live: expected one that is whole/)
    put('Component', component('dev/live', 'cdn/new'))
    assert.ok((await tryWorld('dev/dev')).ok)
  })

  it('one that is held is read at its newest version while the next one is written', async () => {
    const { world, put } = makeCluster(site, live)
    await world('dev/dev')
    const applying = [{ kind: 'Creation', name: 'cdn.new', uid: 'uid-cdn.new' }] as const
    put('Component', component('dev/live', 'cdn/new', [], { committed: false }))
    put('Environment', environmentAt('dev/live', { version: 2, applying: [...applying] }))
    assert.deepEqual((await world('dev/dev')).otherVersions, { 'dev/live': 1 })
  })

  it('one that missed a version is built anew', async () => {
    const { world, put, built } = makeCluster(site, live)
    await world('dev/dev')
    put('Component', component('dev/live', 'cdn/c'))
    put('Environment', environmentAt('dev/live', { version: 5 }))
    assert.deepEqual((await world('dev/dev')).otherVersions, {})
    assert.deepEqual(built, ['dev/dev', 'dev/live', 'dev/live'])
  })

  it('of a Component that comes back those are known who still refer to it', async () => {
    const { world } = makeCluster(component('dev/dev', 'site/main', [], { committed: false }), live)
    assert.deepEqual((await world('dev/dev')).view.dependentsOf('dev/site/main'), ['dev/cdn/c'])
  })

  it('changes that are being written elsewhere hold what they affect, seen from here', async () => {
    const { world, put } = makeCluster(site, live, cart)
    const applying = (name: string, place: string, id: string, affected: string[], versions: string[]) => {
      const [namespace = '', environment = ''] = place.split('/')
      const graphVersions = Object.fromEntries(versions.map((key) => [key, 1]))
      const plan = { hash: '', graphVersions }
      const status = { phase: 'Applying', environment, affectedComponents: affected, plan } as const
      put('ChangeRequest', aChangeRequest({ name, component: id, metadata: { namespace }, status }))
    }
    applying('there', 'shop/dev', 'cart/c', ['page/p'], ['shop/dev'])
    applying('in', 'other/dev', 'a/a', ['dev/site/main'], ['other/dev', 'dev/dev'])
    applying('away', 'other/dev', 'b/b', [], ['other/dev'])
    const { inFlight } = await world('dev/dev')
    assert.deepEqual(inFlight.map(({ object, affected }) => `${object}: ${[...affected].sort().join(' ')}`).sort(), [
      'other/changerequest/in: dev/site/main other/a/a',
      'shop/changerequest/there: shop/cart/c shop/page/p',
    ])
  })

  it('a plan names its own environment first, and no more than fit', () => {
    const world = aWorld()
    const others = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`dev/e${10 + i}`, i]))
    const versions = versionsOf({ version: 7 } as never, { ...world, otherVersions: others })
    assert.deepEqual(Object.keys(versions), ['dev/dev', ...Array.from({ length: 7 }, (_, i) => `dev/e${10 + i}`)])
  })
})
