import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Result } from '../../operator/api/result.ts'
import { canonicalState, makeContentSum } from '../../operator/core/graph/content.ts'
import { latest } from '../../operator/core/graph/vertex.ts'
import type { GraphView } from '../../operator/core/graph/view.ts'
import type { GraphChange, GraphPatch, Head, Publisher, VertexState } from '../../operator/ports/graph.ts'
import { type Model, withPatch } from '../unit/core/graph/model.ts'
import { anyPatch, ids } from '../unit/core/graph/random.ts'
import type { GraphStoreUnderTest } from './graph-store.ts'

/** Earlier versions that every store must hold beside the head. */
const held = 4

/** What may happen to an environment. `back`: versions before the head. */
export type Step =
  | { readonly kind: 'publish' | 'race' | 'gap' | 'rebuild'; readonly patch: GraphPatch }
  | { readonly kind: 'crash'; readonly patch: GraphPatch; readonly requests: number }
  | { readonly kind: 'repeat' | 'compete'; readonly back: number; readonly patch: GraphPatch }
  | { readonly kind: 'view' | 'changes' | 'compact'; readonly back: number }
  | { readonly kind: 'audit' }

export const everyHit = [
  'publish',
  'race',
  'crash before',
  'crash after',
  'repeat',
  'compete',
  'gap',
  'rebuild',
  'view of the head',
  'earlier view',
  'view after publish',
  'changes',
  'compact',
  'audit',
]

const anySmallPatch = anyPatch(['p', 'q', 'r'], 5)
const back = fc.nat(held)
const kindOf = <K extends Step['kind']>(...kinds: K[]) => fc.constantFrom(...kinds)
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: kindOf('publish'), patch: anySmallPatch }) },
  { weight: 2, arbitrary: fc.record({ kind: kindOf('race', 'gap', 'rebuild'), patch: anySmallPatch }) },
  { weight: 3, arbitrary: fc.record({ kind: kindOf('crash'), patch: anySmallPatch, requests: fc.nat(16) }) },
  { weight: 2, arbitrary: fc.record({ kind: kindOf('repeat', 'compete'), back, patch: anySmallPatch }) },
  { weight: 4, arbitrary: fc.record({ kind: kindOf('view', 'view', 'changes'), back }) },
  { weight: 1, arbitrary: fc.record({ kind: kindOf('compact'), back }) },
  { weight: 1, arbitrary: fc.record({ kind: kindOf('audit') }) },
)

/** So that none is missed where there is time for a few sequences only. */
export const oneOfEach: readonly Step[] = [
  ...ids
    .slice(0, 3)
    .map((id): Step => ({ kind: 'publish', patch: [{ id, type: 'a', edges: [{ name: 'x', to: ids[1]! }] }] })),
  { kind: 'view', back: 1 },
  { kind: 'view', back: 0 },
  { kind: 'publish', patch: [{ id: ids[1]!, removed: true }] },
  { kind: 'crash', requests: 1, patch: [{ id: ids[4]!, type: 'a', edges: [] }] },
  { kind: 'crash', requests: 50, patch: [{ id: ids[5]!, type: 'b', edges: [] }] },
  { kind: 'crash', requests: 51, patch: [{ id: ids[6]!, type: 'b', edges: [] }] },
  { kind: 'race', patch: ids.map((id) => ({ id, type: 'a', edges: [] })) },
  { kind: 'repeat', back: 0, patch: [] },
  { kind: 'compete', back: 1, patch: [] },
  { kind: 'gap', patch: [] },
  { kind: 'changes', back: 3 },
  { kind: 'audit' },
  { kind: 'compact', back: 1 },
  { kind: 'rebuild', patch: [{ id: ids[7]!, type: 'b', edges: [] }] },
]

export const by = (changeId: string, claim = '1'): Publisher => ({ changeId, claim })

/** Carries out steps in one environment, beside the model. */
export function makeRun({ store, dying }: GraphStoreUnderTest, environment: string, hits: Record<string, number>) {
  const models = new Map<number, Model>([[0, new Map()]])
  const changes = new Map<number, string>()
  const views = new Map<number, GraphView>()
  let head = 0
  /** the oldest version that must be held */
  let oldest = 0
  const hit = (what: string): void => {
    hits[what] = (hits[what] ?? 0) + 1
  }

  const moveTo = (version: number, model: Model, change: string): void => {
    models.set(version, model)
    changes.set(version, change)
    head = version
  }

  const publish = async (patch: GraphPatch): Promise<void> => {
    const next = withPatch(models.get(head)!, patch)
    const version = head + 1
    const published = value(await store.publish(environment, version, patch, by(`change-${version}`)))
    moveTo(version, next, `change-${version}`)
    assert.deepEqual([published.version, published.sum], [head, sumOf(next)])
    hit('publish')
    for (const [at, view] of views) {
      if (at < head - held || at < oldest) continue
      equals(view, models.get(at)!)
      hit('view after publish')
    }
  }

  /** One that is not displaced and one that is not either: the version is that of one of them, whole. */
  const race = async (patch: GraphPatch): Promise<void> => {
    const version = head + 1
    const [first, second] = [patch, patch.slice(1)]
    const results = await Promise.all([
      store.publish(environment, version, first, by('first')),
      store.publish(environment, version, second, by('second')),
    ])
    const won = results.findIndex(({ ok }) => ok)
    assert.ok(won >= 0 && results.filter(({ ok }) => ok).length === 1, JSON.stringify(results))
    moveTo(version, withPatch(models.get(head)!, won === 0 ? first : second), won === 0 ? 'first' : 'second')
    hit('race')
  }

  /** A reader finds the version before, or this one; whoever publishes next, the version is whole. */
  const crash = async (patch: GraphPatch, requests: number): Promise<void> => {
    const version = head + 1
    const result = await dying(requests).publish(environment, version, patch, by(`change-${version}`))
    const found = value(await store.head(environment))
    if (found.version === version) {
      moveTo(version, withPatch(models.get(head)!, patch), `change-${version}`)
      hit('crash after')
    } else {
      assert.equal(result.ok, false)
      hit('crash before')
    }
    equals(value(await store.view(environment, head)).view, models.get(head)!)
  }

  const publishOver = async (kind: 'repeat' | 'compete', version: number, patch: GraphPatch): Promise<void> => {
    const known = changes.get(version)
    if (known === undefined || version < oldest) return
    const result = await store.publish(environment, version, patch, by(kind === 'repeat' ? known : 'another'))
    if (kind === 'repeat') assert.equal(value(result).version, head)
    else assert.equal(!result.ok && result.failure.reason, 'VersionTaken')
    hit(kind)
  }

  const rebuild = async (patch: GraphPatch): Promise<void> => {
    const version = head + 1 + patch.length
    const before = value(await store.head(environment))
    const model = withPatch(new Map(), patch)
    const rebuilt = value(await store.rebuild(environment, version, model.values(), by(`change-${version}`)))
    assert.deepEqual([rebuilt.version, rebuilt.sum], [version, sumOf(model)])
    assert.notEqual(rebuilt.epoch, before.epoch)
    moveTo(version, model, `change-${version}`)
    oldest = version
    hit('rebuild')
  }

  const view = async (version: number): Promise<void> => {
    if (version >= oldest) {
      const found = value(await store.view(environment, version)).view
      equals(found, models.get(version)!)
      views.set(version, found)
      hit(version === head ? 'view of the head' : 'earlier view')
    }
  }

  const changesSince = async (version: number): Promise<void> => {
    const from = Math.max(version, oldest)
    const found = value(await store.changes(environment, from, head))
    const expected = Array.from({ length: head - from }, (_, n) => from + n + 1)
    assert.deepEqual(
      found.map((change) => [change.version, change.changeId]),
      expected.map((at) => [at, changes.get(at)]),
    )
    for (const change of found) agrees(change, models.get(change.version - 1)!, models.get(change.version)!)
    const records = value(await store.versions(environment, head - from))
    assert.deepEqual(
      records.map((record) => record.version),
      expected.reverse(),
    )
    hit('changes')
  }

  const compact = async (keep: number): Promise<void> => {
    if (head - keep <= oldest) return
    value(await store.compact(environment, keep))
    const compacted = oldest
    oldest = head - keep
    hit('compact')
    const result = await store.view(environment, compacted)
    assert.ok(!result.ok && ['VersionCompacted', 'VersionUnknown'].includes(result.failure.reason))
    assert.ok(result.failure.message.includes(`version ${compacted}`) && !result.failure.retry, result.failure.message)
  }

  const one = async (step: Step): Promise<void> => {
    switch (step.kind) {
      case 'publish':
        return publish(step.patch)
      case 'race':
        return race(step.patch)
      case 'crash':
        return crash(step.patch, step.requests)
      case 'repeat':
      case 'compete':
        return publishOver(step.kind, head - step.back, step.patch)
      case 'rebuild':
        return rebuild(step.patch)
      case 'view':
        return view(head - step.back)
      case 'changes':
        return changesSince(Math.max(head - step.back, 0))
      case 'compact':
        return compact(step.back)
      case 'gap': {
        const result = await store.publish(environment, head + 2, step.patch, by('ahead'))
        assert.equal(!result.ok && result.failure.reason, 'VersionGap')
        return hit('gap')
      }
      case 'audit':
        assert.equal(value(await store.audit(environment)).sum, sumOf(models.get(head)!))
        return hit('audit')
    }
  }

  return async (step: Step): Promise<void> => {
    await one(step)
    const { version, sum } = value<Head>(await store.head(environment))
    assert.deepEqual([version, sum], [head, sumOf(models.get(head)!)])
  }
}

/** What a version has changed: no Component twice, and nothing left out. */
function agrees({ before, after }: GraphChange, was: Model, is: Model): void {
  const text = (state: VertexState | undefined): string => (state && !state.removed ? canonicalState(state) : '')
  const changed = new Map(before.map((state, n) => [state.id, [state, after[n]!] as const]))
  assert.equal(changed.size, before.length)
  for (const id of ids) {
    const [old, next] = changed.get(id) ?? [was.get(id), is.get(id)]
    assert.equal(text(old), text(was.get(id)), id)
    assert.equal(text(next), text(is.get(id)), id)
    if (!changed.has(id)) assert.equal(text(was.get(id)), text(is.get(id)), id)
  }
}

export function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.failure.reason}: ${result.failure.message}`)
  return result.value
}

export function sumOf(model: Model): string {
  const sum = makeContentSum()
  for (const state of latest([...model.values()]).values()) sum.add(state)
  return sum.toString()
}

export function equals(view: GraphView, model: Model): void {
  assert.equal(view.size, model.size)
  for (const id of ids) {
    const state = view.stateOf(id)
    const expected = model.get(id)
    assert.equal(state && canonicalState(state), expected && canonicalState(expected))
    const dependents = [...model.values()].filter(({ edges }) => edges.some(({ to }) => to === id))
    assert.deepEqual(view.dependentsOf(id).sort(), dependents.map((dependent) => dependent.id).sort())
  }
}
