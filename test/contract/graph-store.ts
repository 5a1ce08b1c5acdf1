import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Result } from '../../operator/api/result.ts'
import { canonicalState, makeContentSum } from '../../operator/core/graph/content.ts'
import type { GraphView } from '../../operator/core/graph/view.ts'
import type { GraphPatch, GraphStore, Head } from '../../operator/ports/graph.ts'
import { type Model, withPatch } from '../unit/core/graph/model.ts'
import { anyPatch, ids } from '../unit/core/graph/random.ts'

export interface GraphStoreUnderTest {
  readonly store: GraphStore
  close(): Promise<void>
}

/** Earlier versions that every store must hold beside the head. */
const held = 4

/** What every graph store does, compared with a Map for each version. `runs`: random sequences. */
export function graphStoreContract(name: string, makeStore: () => Promise<GraphStoreUnderTest>, runs = 100): void {
  describe(`graph store contract: ${name}`, () => {
    let under: GraphStoreUnderTest
    let environments = 0
    const fresh = (): string => `dev/${name}-${process.pid}-${environments++}`
    before(async () => {
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
      assert.equal(value(await under.store.view(environment, 0)).size, 0)
    })

    it('publishes a version, and names epoch, version and content sum', async () => {
      const environment = fresh()
      const { epoch } = value(await under.store.head(environment))
      const published = value(await under.store.publish(environment, 1, patch, 'change-1'))
      assert.deepEqual(published, { epoch, version: 1, sum: sumOf(withPatch(new Map(), patch)) })
      assert.deepEqual(value(await under.store.head(environment)), published)
    })

    it('recognises a publish that is repeated, also after a later one', async () => {
      const environment = fresh()
      await publishAll(under.store, environment, [patch, [{ id: 'dev/b/1', removed: true }]])
      const head = value(await under.store.head(environment))
      for (const version of [1, 2]) {
        assert.deepEqual(value(await under.store.publish(environment, version, patch, `change-${version}`)), head)
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
        const head = value(await under.store.publish(environment, 1, patch, 'change-1'))
        const result = await under.store.publish(environment, version, [{ id: 'dev/b/1', removed: true }], 'other')
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

    it('keeps environments apart', async () => {
      const [one, other] = [fresh(), fresh()]
      value(await under.store.publish(one, 1, patch, 'change-1'))
      value(await under.store.publish(other, 1, [{ id: 'dev/b/1', type: 'b', edges: [] }], 'change-1'))
      assert.deepEqual([...value(await under.store.view(other, 1)).ids()], ['dev/b/1'])
      assert.equal(value(await under.store.view(one, 1)).size, 2)
    })

    it('lets one of several win that publish the same version at once', async () => {
      const environment = fresh()
      const rivals = ['a', 'b', 'c', 'd']
      const state = (rival: string) => ({ id: `dev/${rival}/1`, type: rival, edges: [] })
      const results = await Promise.all(
        rivals.map((rival) => under.store.publish(environment, 1, [state(rival)], `change-${rival}`)),
      )
      const winners = rivals.filter((_, n) => results[n]!.ok)
      assert.equal(winners.length, 1)
      assert.deepEqual(
        [...value(await under.store.view(environment, 1)).ids()],
        winners.map((rival) => `dev/${rival}/1`),
      )
      for (const result of results) assert.ok(result.ok || result.failure.reason === 'VersionTaken')
    })

    it('equals a Map for each version, whatever is published, repeated and asked', async function () {
      this.timeout(120_000)
      const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED)
      const hits: Record<string, number> = {}
      const sequence = async (steps: Step[]): Promise<void> => {
        const run = makeRun(under.store, fresh(), hits)
        for (const step of steps) await run(step)
      }
      const steps = fc.array(anyStep, { minLength: 1, maxLength: 20, size: 'max' })
      await fc.assert(fc.asyncProperty(steps, sequence), { numRuns: runs, seed })
      console.log(`      seed ${seed}, ${runs} runs, hits ${JSON.stringify(hits)}`)
      for (const what of [
        'publish',
        'repeat',
        'compete',
        'gap',
        'view of the head',
        'earlier view',
        'view after publish',
      ]) {
        assert.ok((hits[what] ?? 0) > 0, `seed ${seed}: expected a step "${what}", found none`)
      }
    })
  })
}

type Step =
  | { readonly kind: 'publish'; readonly patch: GraphPatch }
  | { readonly kind: 'repeat' | 'compete'; readonly back: number; readonly patch: GraphPatch }
  | { readonly kind: 'gap'; readonly patch: GraphPatch }
  | { readonly kind: 'view'; readonly back: number }

const anySmallPatch = anyPatch(['p', 'q', 'r'], 5)
const back = fc.nat(held)
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('publish' as const), patch: anySmallPatch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('repeat', 'compete'), back, patch: anySmallPatch }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gap' as const), patch: anySmallPatch }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('view' as const), back }) },
)

/** Carries out steps in one environment, beside the model. */
function makeRun(store: GraphStore, environment: string, hits: Record<string, number>) {
  const models: Model[] = [new Map()]
  const views = new Map<number, GraphView>()
  const hit = (what: string): void => {
    hits[what] = (hits[what] ?? 0) + 1
  }
  const head = (): number => models.length - 1

  const publish = async (patch: GraphPatch): Promise<void> => {
    const next = withPatch(models.at(-1)!, patch)
    const published = value(await store.publish(environment, head() + 1, patch, `change-${head() + 1}`))
    models.push(next)
    assert.deepEqual([published.version, published.sum], [head(), sumOf(next)])
    hit('publish')
    views.delete(head() - held - 1)
    for (const [version, view] of views) {
      equals(view, models[version]!)
      hit('view after publish')
    }
  }

  const publishOver = async (kind: 'repeat' | 'compete', version: number, patch: GraphPatch): Promise<void> => {
    if (version < 1) return
    const change = kind === 'repeat' ? `change-${version}` : 'another'
    const result = await store.publish(environment, version, patch, change)
    if (kind === 'repeat') assert.equal(value(result).version, head())
    else assert.equal(!result.ok && result.failure.reason, 'VersionTaken')
    hit(kind)
  }

  const view = async (version: number): Promise<void> => {
    const found = value(await store.view(environment, version))
    equals(found, models[version]!)
    views.set(version, found)
    hit(version === head() ? 'view of the head' : 'earlier view')
  }

  return async (step: Step): Promise<void> => {
    if (step.kind === 'publish') await publish(step.patch)
    else if (step.kind === 'view') await view(Math.max(0, head() - step.back))
    else if (step.kind !== 'gap') await publishOver(step.kind, head() - step.back, step.patch)
    else {
      const result = await store.publish(environment, head() + 2, step.patch, 'ahead')
      assert.equal(!result.ok && result.failure.reason, 'VersionGap')
      hit('gap')
    }
    const { version, sum } = value<Head>(await store.head(environment))
    assert.deepEqual([version, sum], [head(), sumOf(models.at(-1)!)])
  }
}

async function publishAll(store: GraphStore, environment: string, patches: readonly GraphPatch[]): Promise<void> {
  for (const [n, patch] of patches.entries()) {
    value(await store.publish(environment, n + 1, patch, `change-${n + 1}`))
  }
}

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.failure.reason}: ${result.failure.message}`)
  return result.value
}

function sumOf(model: Model): string {
  const sum = makeContentSum()
  for (const state of model.values()) sum.add(state)
  return sum.toString()
}

function equals(view: GraphView, model: Model): void {
  assert.equal(view.size, model.size)
  for (const id of ids) {
    const state = view.stateOf(id)
    const expected = model.get(id)
    assert.equal(state && canonicalState(state), expected && canonicalState(expected))
    const dependents = [...model.values()].filter(({ edges }) => edges.some(({ to }) => to === id))
    assert.deepEqual(view.dependentsOf(id).sort(), dependents.map((dependent) => dependent.id).sort())
  }
}
