import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Event } from '../../../../operator/api/envelope.ts'
import type { JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { stateOf } from '../../../../operator/core/change/image.ts'
import { isCut, type Move, type Walk, walkBack } from '../../../../operator/core/component/history.ts'
import { hashOf, type Wanted, wantedOf } from '../../../../operator/core/component/wanted.ts'
import { type Commits, type GraphWorld, makeGraphWorld } from '../../../support/graph-world.ts'

const ids = ['a', 'b', 'c'].map((name) => `dev/site/${name}`)

const anyConfig: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom('size', 'deep', 'list', 'constructor', 'a/b'),
  fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom([], [1], 'x', true),
    fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(fc.integer({ max: 2 }), fc.constant({}), fc.constant({ z: 1 }))),
  ),
  { maxKeys: 3, noNullPrototype: true },
) as fc.Arbitrary<JsonObject>

const anyWanted: fc.Arbitrary<Wanted> = fc
  .record({
    config: anyConfig,
    references: fc.uniqueArray(
      fc.record({ name: fc.constantFrom('x', 'y'), component: fc.constantFrom('site/a', 'site/b') }),
      { selector: ({ name }) => name, maxLength: 2 },
    ),
    project: fc.constantFrom('', 'p', 'q'),
    allowedNamespaces: fc.subarray(['web', 'ops']),
  })
  .map(wantedOf)

/** What each version does; one that is not there cannot go. */
const anyVersions = fc.array(
  fc.dictionary(fc.constantFrom(...ids), fc.option(anyWanted, { freq: 3 }), {
    minKeys: 1,
    maxKeys: 2,
    noNullPrototype: true,
  }),
  { minLength: 1, maxLength: 8 },
)

const grown = async (versions: readonly Commits[]): Promise<GraphWorld> => {
  const world = makeGraphWorld()
  for (const commits of versions) {
    const possible = Object.entries(commits).filter(([id, wanted]) => wanted !== null || world.components.has(id))
    if (possible.length > 0) await world.commit(Object.fromEntries(possible), 'wish')
  }
  return world
}

const walkOf = (world: GraphWorld, version: number, more: Partial<Walk> = {}): Walk => ({
  environment: 'dev/dev',
  present: new Map(
    [...world.components].map(([id, { status }]) => {
      const committed = status!.committed!
      return [id, { wanted: wantedOf(committed), version: committed.graphVersion }]
    }),
  ),
  head: world.environment().status?.version ?? 0,
  version,
  events: world.events,
  ...more,
})

const formOf = (state: ReadonlyMap<string, Wanted>) =>
  JSON.parse(JSON.stringify([...state].sort().map(([id, wanted]) => [id, hashOf(wanted), stateOf(wanted)])))

const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED)

const redo = (state: Map<string, Wanted>, { id, before, after }: Move): void => {
  const form = (wanted: Wanted | null | undefined) => formOf(new Map(wanted ? [[id, wanted]] : []))
  assert.deepEqual(form(state.get(id)), form(before))
  after === null ? state.delete(id) : state.set(id, after)
}

describe('core/component/history', () => {
  it('walks back to exactly what was committed at every version', async () => {
    const hits = { back: 0, removals: 0, moves: 0 }
    await fc.assert(
      fc.asyncProperty(anyVersions, async (versions) => {
        const world = await grown(versions)
        hits.removals += world.events.filter(({ event_type }) => event_type === 'component.removed').length
        for (const [version, then] of world.states.entries()) {
          const state = new Map(then)
          const earlier = walkBack(walkOf(world, version))
          assert.ok(earlier.ok, earlier.ok ? '' : earlier.failure.message)
          assert.deepEqual(formOf(earlier.value.committed), formOf(state))
          hits.back++
          hits.moves += earlier.value.moves.length
          // Forwards again, the moves lead to what is committed now.
          for (const move of earlier.value.moves.toReversed()) redo(state, move)
          assert.deepEqual(formOf(state), formOf(world.states.at(-1)!))
        }
      }),
      { seed, numRuns: 120 },
    )
    console.log(`      seed ${seed}, hits ${JSON.stringify(hits)}`)
    assert.ok(hits.removals > 20 && hits.back > 200 && hits.moves > 200, JSON.stringify(hits))
  })

  it('says that it cannot tell, and never something wrong, when an event is missing', async () => {
    const hits = { refused: 0, right: 0 }
    await fc.assert(
      fc.asyncProperty(anyVersions, fc.nat(), fc.nat(), async (versions, which, back) => {
        const world = await grown(versions)
        if (world.events.length === 0) return
        const version = back % world.states.length
        const events = world.events.toSpliced(which % world.events.length, 1)
        const earlier = walkBack(walkOf(world, version, { events }))
        hits[earlier.ok ? 'right' : 'refused']++
        if (earlier.ok) assert.deepEqual(formOf(earlier.value.committed), formOf(world.states[version]!))
        else assert.equal(earlier.failure.reason, 'HistoryIncomplete')
      }),
      { seed, numRuns: 150 },
    )
    console.log(`      seed ${seed}, hits ${JSON.stringify(hits)}`)
    assert.ok(hits.refused > 30 && hits.right > 10, JSON.stringify(hits))
  })

  const sized = (size: number): Wanted => ({ config: { size } })
  const threeVersions = () =>
    grown([{ 'dev/site/a': sized(1) }, { 'dev/site/a': sized(2) }, { 'dev/site/a': sized(3), 'dev/site/b': sized(1) }])

  const refusals: [title: string, keep: (event: Event) => boolean, message: RegExp][] = [
    [
      'a ledger that began later',
      ({ attrs }) => Number(attrs.version) > 2,
      /environment dev\/dev: expected an event graph.published of each version from 1 to 3, found none of 2; the oldest version that can be worked out is 2/,
    ],
    [
      'a ledger that lags',
      ({ attrs }) => Number(attrs.version) < 3,
      /found none of 3; events may come later than what they tell of: try again/,
    ],
    [
      'a commit that is not told',
      ({ entity_id, attrs }) => entity_id !== 'dev/site/a' || attrs.version !== 3,
      /Component dev\/site\/a: expected an event component.committed of version 3, in which it was committed, found one of version 2 as the last/,
    ],
    [
      'nothing told of a Component',
      ({ entity_id }) => entity_id !== 'dev/site/b',
      /Component dev\/site\/b: expected an event component.committed of version 3, in which it was committed, found none after version 0/,
    ],
    [
      'a gap between',
      ({ entity_id, attrs }) => entity_id !== 'dev/site/a' || attrs.version !== 2,
      /Component dev\/site\/a: after version 1: expected sha256:\w+, found sha256:\w+: events in between are missing/,
    ],
  ]
  for (const [title, keep, message] of refusals) {
    it(`${title} is a failure`, async () => {
      const world = await threeVersions()
      const earlier = walkBack(walkOf(world, 0, { events: world.events.filter(keep) }))
      assert.ok(!earlier.ok)
      assert.equal(earlier.failure.reason, 'HistoryIncomplete')
      assert.match(earlier.failure.message, message)
    })
  }

  it('takes what was too large for an event from the request that keeps it, or says so', async () => {
    const large = { config: { text: 'x'.repeat(5_000) } }
    const world = await grown([{ 'dev/site/a': large }, { 'dev/site/a': sized(2) }, { 'dev/site/a': null }])
    assert.equal(world.events.filter(isCut).length, 1)
    const bare = walkBack(walkOf(world, 1))
    assert.match(
      bare.ok ? '' : bare.failure.message,
      /expected what undoes version 2, found an event that was too large to hold it, and no ChangeRequest that still keeps it/,
    )
    const before = JSON.stringify({ config: { text: large.config.text, size: null } })
    const imageOf = (change: string, id: string) => (change === 'uid-wish' && id === 'dev/site/a' ? before : undefined)
    const earlier = walkBack(walkOf(world, 1, { imageOf }))
    assert.deepEqual(earlier.ok && formOf(earlier.value.committed), formOf(world.states[1]!))
  })

  it('a version by which the graph was set right needs no Component', async () => {
    const world = await threeVersions()
    const told = world.events.filter(({ event_type }) => event_type !== 'graph.published')
    const repaired = [1, 2, 3].map((version) => ({ ...told[0]!, event_type: 'graph.repaired', attrs: { version } }))
    assert.ok(walkBack(walkOf(world, 0, { events: [...told, ...repaired] })).ok)
  })
})
