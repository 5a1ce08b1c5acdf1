import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import type { ChangeRequest, Component } from '../../../operator/api/kinds.generated.ts'
import { success } from '../../../operator/api/result.ts'
import { makeChangeRequestReconciler } from '../../../operator/controllers/change-request.ts'
import { makeGather } from '../../../operator/controllers/gather.ts'
import { makeGraphs } from '../../../operator/controllers/graphs.ts'
import { makeRepairs } from '../../../operator/controllers/repairs.ts'
import { makeWaiting } from '../../../operator/controllers/waiting.ts'
import { editOf, requestOfEdit } from '../../../operator/core/component/edit.ts'
import { makeImpact } from '../../../operator/core/graph/impact.ts'
import type { Cluster } from '../../../operator/ports/cluster.ts'
import { aChangeRequest, aComponent, anEnvironment, aWorld, noon } from '../../support/builders.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

/**
 * One operator, whose caches show `known`, of `stored` on the server. Looks at the request until it waits at the gate or a
 * status is written.
 */
const lookAt = async (request: ChangeRequest, { known, stored }: Record<'known' | 'stored', readonly Component[]>) => {
  const { caches, put } = makeFakeCaches()
  const { guards, configFaults } = aWorld()
  const clock = { now: () => noon, monotonic: () => 0 }
  const graph = makeEmbeddedGraph({ newEpoch: () => 'epoch', now: () => 0 })
  const graphs = makeGraphs({ caches, graph, repairs: makeRepairs({ holder: 'me', onNeeded: () => {} }) })
  const impact = makeImpact({ now: () => 0 })
  const gather = makeGather({ caches, graph, impact, guards, configFaults, clock, graphs })
  const waiting = makeWaiting({ onEnter: () => {}, onHeldBack: () => {} })
  let written: ChangeRequest['status']
  const reads: string[] = []
  const cluster = {
    read: async (_, key) => {
      reads.push(key)
      const found = stored.find(({ metadata }) => `dev/${metadata.name}` === key)
      const held = caches.Component.get(key)
      // What is read is known at once, with the version that it has there.
      const isSame = held !== undefined && held.spec.config?.size === found?.spec.config?.size
      return success(isSame ? held : found && put('Component', found)) as Awaited<ReturnType<Cluster['read']>> as never
    },
    writeStatus: async (_, object, status) => {
      written = status as ChangeRequest['status']
      return success(object)
    },
  } as Partial<Cluster> as Cluster
  for (const component of known) put('Component', component)
  put('Environment', anEnvironment())
  const asked = put('ChangeRequest', request)
  const reconcile = makeChangeRequestReconciler({
    cluster,
    caches,
    gather,
    waiting,
    relay: { drained: () => ({ kind: 'Drained' }), room: () => 32 },
    clock,
    lookAt: () => {},
    noRoom: () => {},
    outages: { why: () => undefined, asked: () => {} },
  })
  const key = `dev/${asked.metadata.name}`
  for (let look = 0; look < 4 && written === undefined && !waiting.has('dev/dev'); look++) await reconcile(key)
  return { phase: written?.phase, waits: [...waiting.of('dev/dev', 'ChangeRequest')], reads }
}

const withFinalizer = (request: ChangeRequest): ChangeRequest => ({
  ...request,
  metadata: { ...request.metadata, uid: 'uid', finalizers: ['usekarma.dev/change'] },
})

describe('controllers/change-request: what its Components say for good is read from the server', () => {
  const before = aComponent('site/main', { config: { size: 1 } })
  const edited: Component = { ...before, spec: { ...before.spec, config: { size: 2 } } }
  const edit = withFinalizer(requestOfEdit(edited, editOf(edited)!))
  const again: Component = { ...before, spec: { ...before.spec, config: { size: 3 } } }
  const wish = withFinalizer(aChangeRequest({ name: 'wish' }))

  it('an edit that the caches do not show yet is not superseded', async () => {
    assert.deepEqual(await lookAt(edit, { known: [before], stored: [edited] }), {
      phase: undefined,
      waits: [`dev/${edit.metadata.name}`],
      reads: ['dev/site.main'],
    })
  })

  it('one that was edited again is', async () => {
    for (const known of [[before], [edited], [again]]) {
      const { phase, waits } = await lookAt(edit, { known, stored: [again] })
      // Who knows of the first edit alone asks at the gate, and is told there.
      assert.deepEqual([phase, waits.length], known[0] === edited ? [undefined, 1] : ['Superseded', 0])
    }
  })

  it('what is not known yet is not missing, and what is missing is', async () => {
    assert.deepEqual((await lookAt(wish, { known: [], stored: [before] })).waits, ['dev/wish'])
    assert.equal((await lookAt(wish, { known: [], stored: [] })).phase, 'Rejected')
  })

  it('nothing is read for what goes on', async () => {
    assert.deepEqual((await lookAt(wish, { known: [before], stored: [before] })).reads, [])
  })
})
