import assert from 'node:assert/strict'
import type { Component } from '../../../../operator/api/kinds.generated.ts'
import type { Parsed } from '../../../../operator/api/parse.ts'
import { admit } from '../../../../operator/core/change/creation.ts'
import { strongest } from '../../../../operator/core/guard/facts.ts'
import { aComponent, aWorld } from '../../../support/builders.ts'

type World = Parameters<typeof aWorld>[0]

/** New Components, by `id: id it refers to, …`. */
const fresh = (...lines: string[]): Parsed<Component>[] =>
  lines.map((line) => {
    const [id = '', targets = ''] = line.split(': ')
    const references = targets
      .split(', ')
      .filter((target) => target !== '')
      .map((component, i) => ({ name: `r${i}`, component }))
    return aComponent(id, { references, committed: false })
  })

/** `admitted | held back by reason and message`, by id. */
const outcome = (candidates: readonly Parsed<Component>[], world: World = {}) => {
  const { admitted, heldBack } = admit(candidates, aWorld(world))
  return {
    admitted: admitted.map(({ id }) => id.slice('dev/'.length)),
    heldBack: Object.fromEntries(
      heldBack.map(({ id, verdicts }) => [id.slice('dev/'.length), verdicts.map(({ reason }) => reason).join()]),
    ),
    said: heldBack.flatMap(({ verdicts }) => verdicts.map(({ message }) => message)),
  }
}

describe('core/change/creation', () => {
  type Row = readonly [
    title: string,
    candidates: Parsed<Component>[],
    admitted: string[],
    heldBack: Record<string, string>,
    world?: World,
  ]
  const table: readonly Row[] = [
    ['nobody', [], [], {}],
    ['one alone', fresh('a/a'), ['a/a'], {}],
    [
      'those which need each other, dependencies first',
      fresh('a/a: b/b', 'b/b: c/c', 'c/c'),
      ['c/c', 'b/b', 'a/a'],
      {},
    ],
    ['a diamond', fresh('a/a: b/b, b/c', 'b/b: d/d', 'b/c: d/d', 'd/d'), ['d/d', 'b/c', 'b/b', 'a/a'], {}],
    [
      'on top of what is committed',
      fresh('a/a: b/b, b/new', 'b/new'),
      ['b/new', 'a/a'],
      {},
      { components: [aComponent('b/b')] },
    ],
    ['something is missing', fresh('a/a: b/none', 'c/c'), ['c/c'], { 'a/a': 'MissingReference' }],
    [
      'one held back holds back those that need it',
      fresh('a/a: b/b', 'b/b: c/c', 'c/c: d/none', 'e/e'),
      ['e/e'],
      { 'c/c': 'MissingReference', 'b/b': 'MissingReference', 'a/a': 'MissingReference' },
    ],
    ['itself', fresh('a/a: a/a', 'b/b'), ['b/b'], { 'a/a': 'Cycle' }],
    ['two in a circle', fresh('a/a: b/b', 'b/b: a/a'), [], { 'b/b': 'Cycle', 'a/a': 'Cycle' }],
    [
      'three in a circle, one that needs them and one that they need',
      fresh('a/a: b/b', 'b/b: c/c, y/y', 'c/c: a/a', 'x/x: a/a', 'y/y'),
      ['y/y'],
      { 'a/a': 'Cycle', 'b/b': 'Cycle', 'c/c': 'Cycle', 'x/x': 'MissingReference' },
    ],
    [
      'two circles that share one',
      fresh('a/a: b/b', 'b/b: a/a, c/c', 'c/c: b/b'),
      [],
      { 'a/a': 'Cycle', 'b/b': 'Cycle', 'c/c': 'Cycle' },
    ],
    [
      'another namespace, another environment',
      fresh('a/a: far/b/b', 'c/c: b/prod'),
      ['c/c'],
      { 'a/a': 'ForeignReference' },
      { components: [aComponent('b/prod', { environment: 'prod' })] },
    ],
    [
      'it waits for an output',
      [
        aComponent('a/a', { references: [{ name: 'r', component: 'b/b', outputs: ['o'] }], committed: false }),
        ...fresh('c/c: a/a'),
      ],
      [],
      { 'a/a': 'OutputsUnavailable', 'c/c': 'MissingReference' },
      { components: [aComponent('b/b')] },
    ],
    [
      'one that was reported on before it passed',
      [
        aComponent('a/a', { references: [{ name: 'r', component: 'b/b', outputs: ['o'] }], committed: false }),
        aComponent('b/b', { outputs: { o: 1 }, committed: false }),
      ],
      ['b/b', 'a/a'],
      {},
    ],
    [
      'guards of its type and of the environment',
      fresh('a/a', 'b/b', 'c/c'),
      ['c/c'],
      { 'a/a': 'GuardFailed', 'b/b': 'GuardFailed' },
      {
        types: { a: { guards: [{ name: 'g', expression: 'before != null' }] } },
        environment: { guards: [{ name: 'e', expression: 'component.type != "b"', verdict: 'Queue' }] },
      },
    ],
    [
      'a guard over dependencies sees new ones',
      fresh('a/a: b/b', 'b/b'),
      ['b/b'],
      { 'a/a': 'GuardFailed' },
      { types: { a: { guards: [{ name: 'g', expression: 'other.type != "b"', forEach: 'Dependencies' }] } } },
    ],
    [
      'a fault of the edge: what is left must not be judged',
      [aComponent('a/a', { config: { n: null } as never, committed: false })],
      [],
      { 'a/a': 'NullValue' },
    ],
    [
      'config that does not fit',
      [aComponent('a/a', { config: { n: 1 }, committed: false })],
      [],
      { 'a/a': 'InvalidConfig' },
      { types: { a: { configSchema: { properties: { n: { type: 'string' } } } } } },
    ],
    [
      'one that comes back, needed by a committed one',
      fresh('a/a: b/b'),
      ['a/a'],
      {},
      { components: [aComponent('b/b'), ...[aComponent('c/c', { references: [{ name: 'r', component: 'a/a' }] })]] },
    ],
    [
      'one that comes back and needs those that need it',
      fresh('a/a: b/b', 'd/d'),
      ['d/d'],
      { 'a/a': 'Cycle' },
      {
        components: [
          aComponent('b/b', { references: [{ name: 'r', component: 'c/c' }] }),
          aComponent('c/c', { references: [{ name: 'r', component: 'a/a' }] }),
        ],
      },
    ],
  ]
  for (const [title, candidates, admitted, heldBack, world] of table) {
    it(title, () => {
      const found = outcome(candidates, world)
      assert.deepEqual([found.admitted, found.heldBack], [admitted, heldBack])
    })
    it(`${title}, whoever came first`, () => {
      const [found, other] = [outcome(candidates, world), outcome(candidates.toReversed(), world)]
      assert.deepEqual([other.admitted, other.heldBack], [found.admitted, found.heldBack])
    })
  }

  it('says what holds one back, the strongest first, and not what was only warned of', () => {
    const guards = (['Warn', 'RequireApproval', 'Queue', 'Reject'] as const).map((verdict) => ({
      name: verdict,
      expression: 'false',
      verdict,
    }))
    const { heldBack } = admit(fresh('a/a'), aWorld({ environment: { guards } }))
    assert.deepEqual(
      heldBack.map(({ verdicts }) => verdicts.map(({ guard }) => guard)),
      [['Reject', 'Queue', 'RequireApproval']],
    )
  })

  it('holds one back for which a guard asks an approval, and says that there is none to be had', () => {
    const guards = [{ name: 'g', expression: 'before == null', verdict: 'RequireApproval' as const }]
    const asking = [{ ...guards[0]!, expression: 'before != null' }]
    assert.deepEqual(outcome(fresh('a/a'), { environment: { guards } }).admitted, ['a/a'])
    const { admitted, said } = outcome(fresh('a/a'), { environment: { guards: asking } })
    assert.deepEqual(admitted, [])
    assert.match(
      said.join(),
      /found false\); a creation cannot be approved: let the guard pass it, with before == null/,
    )
  })

  it('names the circle as people write it', () => {
    assert.deepEqual(outcome(fresh('a/a: b/b', 'b/b: a/a')).said, [
      'Component b/b: spec.references: expected no way back, found a/a -> b/b -> a/a',
      'Component a/a: spec.references: expected no way back, found a/a -> b/b -> a/a',
    ])
    assert.deepEqual(outcome(fresh('a/a: a/a')).said, [
      'Component a/a: spec.references: expected no way back, found a/a -> a/a',
    ])
  })

  it('commits what is wanted, and hands on what was warned of', () => {
    const guards = [{ name: 'g', expression: 'false', verdict: 'Warn' as const, message: 'careful' }]
    const [one] = admit(
      [aComponent('a/a', { config: { n: 1 }, project: 'p', committed: false })],
      aWorld({ types: { a: { guards } } }),
    ).admitted
    assert.deepEqual(JSON.parse(JSON.stringify(one?.wanted)), { config: { n: 1 }, project: 'p' })
    assert.match(one?.warnings.join() ?? '', /^Component a\/a: careful/)
  })

  it('a chain of 10,000 passes at once, and falls at once', () => {
    const link = (i: number, last: string): string => (i === 9_999 ? last : `c/${i}: c/${i + 1}`)
    const links = fresh(...Array.from({ length: 9_999 }, (_, i) => link(i, '')))
    const chain = (last: string) => [...links, ...fresh(link(9_999, last))]
    const whole = outcome(chain('c/9999'))
    assert.deepEqual([whole.admitted.length, whole.admitted[0], whole.admitted.at(-1)], [10_000, 'c/9999', 'c/0'])
    const broken = outcome(chain('c/9999: c/none').slice(-1_000))
    assert.deepEqual([broken.admitted.length, broken.said.length], [0, 1_000])
    const ring = admit(chain('c/9999: c/0'), aWorld())
    assert.equal(ring.admitted.length, 0)
    assert.ok(ring.heldBack.every(({ verdicts }) => strongest(verdicts) === 'Reject'))
    // Ten thousand names in ten thousand messages would be a gigabyte.
    assert.ok(ring.heldBack.every(({ verdicts }) => verdicts.every(({ message }) => message.length < 2_000)))
  })
})
