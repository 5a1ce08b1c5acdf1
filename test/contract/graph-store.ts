import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { GraphPatch, GraphStore } from '../../operator/ports/graph.ts'
import { withPatch } from '../unit/core/graph/model.ts'
import { anyStep, by, everyHit, makeRun, oneOfEach, type Step, sumOf, value } from './graph-store-steps.ts'

export interface GraphStoreUnderTest {
  readonly store: GraphStore
  /** Another publisher on the same data, whose process ends after so many requests: whatever it is asked then fails. */
  dying(requests: number): GraphStore
  close(): Promise<void>
}

/** What every graph store does, compared with a Map for each version. `runs`: random sequences. */
export function graphStoreContract(name: string, makeStore: () => Promise<GraphStoreUnderTest>, runs = 100): void {
  describe(`graph store contract: ${name}`, () => {
    let under: GraphStoreUnderTest
    let environments = 0
    const fresh = (): string => `dev/${name}-${process.pid}-${environments++}`
    before(async function () {
      this.timeout(300_000)
      under = await makeStore()
    })
    after(() => under.close())

    const patch: GraphPatch = [
      { id: 'dev/a/1', type: 'a', edges: [{ name: 'r', to: 'dev/b/1', uses: ['x'], feeds: [] }] },
      { id: 'dev/b/1', type: 'b', edges: [] },
    ]

    it('an environment that nobody wrote to has version 0 and no Components', async () => {
      const environment = fresh()
      const head = value(await under.store.head(environment))
      assert.deepEqual([head.version, head.sum], [0, sumOf(new Map())])
      assert.equal(value(await under.store.view(environment, 0)).view.size, 0)
    })

    it('publishes a version, and names epoch, version and content sum', async () => {
      const environment = fresh()
      const published = value(await under.store.publish(environment, 1, patch, by('change-1')))
      const { epoch } = published
      assert.ok(epoch.length > 0)
      assert.deepEqual(published, { epoch, version: 1, sum: sumOf(withPatch(new Map(), patch)) })
      assert.deepEqual(value(await under.store.head(environment)), published)
      assert.equal(value(await under.store.publish(environment, 2, [], by('change-2'))).epoch, epoch)
    })

    it('recognises a publish that is repeated, also after a later one', async () => {
      const environment = fresh()
      await publishAll(under.store, environment, [patch, [{ id: 'dev/b/1', removed: true }]])
      const head = value(await under.store.head(environment))
      for (const version of [1, 2]) {
        assert.deepEqual(value(await under.store.publish(environment, version, patch, by(`change-${version}`))), head)
      }
      assert.deepEqual(value(await under.store.head(environment)), head)
    })

    const refused: { title: string; version: number; reason: string }[] = [
      { title: 'a version that another change has', version: 1, reason: 'VersionTaken' },
      { title: 'version 0', version: 0, reason: 'VersionTaken' },
      { title: 'a version that skips one', version: 3, reason: 'VersionGap' },
    ]
    for (const { title, version, reason } of refused) {
      it(`refuses ${title}, naming environment and version`, async () => {
        const environment = fresh()
        const head = value(await under.store.publish(environment, 1, patch, by('change-1')))
        const result = await under.store.publish(environment, version, [{ id: 'dev/b/1', removed: true }], by('other'))
        assert.ok(!result.ok)
        assert.deepEqual([result.failure.reason, result.failure.retry], [reason, false])
        for (const part of [environment, `${version}`]) assert.ok(result.failure.message.includes(part), part)
        assert.deepEqual(value(await under.store.head(environment)), head)
      })
    }

    it('says of a version that has yet to come that it is unknown, and to try again', async () => {
      const result = await under.store.view(fresh(), 1)
      assert.deepEqual(!result.ok && [result.failure.reason, result.failure.retry], ['VersionUnknown', true])
    })

    it('compacted, says the same of every version that is held, and lists no other', async () => {
      const environment = fresh()
      const moves = [2, 3, 4, 5].map((n): GraphPatch => [{ id: 'dev/a/2', type: `a${n}`, edges: [] }])
      await publishAll(under.store, environment, [patch, ...moves])
      const before = value(await under.store.audit(environment))
      const held = value(await under.store.versions(environment, 2))
      const changes = value(await under.store.changes(environment, 4, 5))
      value(await under.store.compact(environment, 1))
      assert.deepEqual(value(await under.store.audit(environment)), before)
      assert.deepEqual(value(await under.store.head(environment)), before)
      assert.deepEqual(value(await under.store.versions(environment, 10)), held)
      assert.deepEqual(value(await under.store.changes(environment, 4, 5)), changes)
      // Opened by a version that is not held any more, and there still.
      assert.equal(value(await under.store.view(environment, 5)).view.dependentsOf('dev/b/1').length, 1)
      value(await under.store.compact(environment, 1))
      assert.deepEqual(value(await under.store.versions(environment, 10)), held)
    })

    it('keeps environments apart', async () => {
      const [one, other] = [fresh(), fresh()]
      value(await under.store.publish(one, 1, patch, by('change-1')))
      value(await under.store.publish(other, 1, [{ id: 'dev/b/1', type: 'b', edges: [] }], by('change-1')))
      assert.deepEqual([...value(await under.store.view(other, 1)).view.ids()], ['dev/b/1'])
      assert.equal(value(await under.store.view(one, 1)).view.size, 2)
    })

    it('lets one of several win that publish the same version at once', async () => {
      const environment = fresh()
      const rivals = ['a', 'b', 'c', 'd']
      const state = (rival: string) => ({ id: `dev/${rival}/1`, type: rival, edges: [] })
      const results = await Promise.all(
        rivals.map((rival) => under.store.publish(environment, 1, [state(rival)], by(`change-${rival}`))),
      )
      const winners = rivals.filter((_, n) => results[n]!.ok)
      assert.equal(winners.length, 1)
      assert.deepEqual(
        [...value(await under.store.view(environment, 1)).view.ids()],
        winners.map((rival) => `dev/${rival}/1`),
      )
      for (const result of results) assert.ok(result.ok || result.failure.reason === 'VersionTaken')
    })

    it('goes on with the claim of whoever rebuilt it, also after newer ones', async () => {
      const environment = fresh()
      value(await under.store.publish(environment, 1, patch, by('change-1', '100')))
      value(await under.store.rebuild(environment, 2, [], by('', '5')))
      assert.equal(value(await under.store.publish(environment, 3, patch, by('change-3', '6'))).version, 3)
    })

    it('equals a Map for each version, whatever is published, repeated and asked', async function () {
      this.timeout(300_000)
      const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED)
      const hits: Record<string, number> = {}
      const sequence = async (steps: Step[]): Promise<void> => {
        const run = makeRun(under, fresh(), hits)
        for (const step of steps) await run(step)
      }
      const steps = fc.array(anyStep, { minLength: 1, maxLength: 20, size: 'max' })
      await fc.assert(fc.asyncProperty(steps, sequence), {
        numRuns: runs,
        seed,
        examples: [[[...oneOfEach]]],
        // What a service did once it may not do again: there is nothing to be made smaller.
        endOnFailure: name !== 'embedded',
      })
      console.log(`      seed ${seed}, ${runs} runs, hits ${JSON.stringify(hits)}`)
      for (const what of everyHit) {
        assert.ok((hits[what] ?? 0) > 0, `seed ${seed}: expected a step "${what}", found none`)
      }
    })
  })
}

async function publishAll(store: GraphStore, environment: string, patches: readonly GraphPatch[]): Promise<void> {
  for (const [n, patch] of patches.entries()) {
    value(await store.publish(environment, n + 1, patch, by(`change-${n + 1}`)))
  }
}
