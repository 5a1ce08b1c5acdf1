// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Component, Decision, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { type Bound, planHash } from '../../../../operator/core/change/hash.ts'
import { isUnchanged, type Plan, planChange, summaryOf } from '../../../../operator/core/change/plan.ts'
import type { Verdict, World } from '../../../../operator/core/guard/facts.ts'
import { aChangeRequest, aComponent, at, aWorld, noon } from '../../../support/builders.ts'
import { holds } from '../graph/property.ts'

const refersTo = (component: string, outputs?: string[]) => [{ name: 'to', component, ...(outputs && { outputs }) }]

const plannedIn = (world: World, request: Parameters<typeof aChangeRequest>[0] = {}): Plan => {
  const planned = planChange(aChangeRequest(request), world)
  assert.ok(planned.ok, planned.ok ? '' : planned.failure.message)
  return planned.value
}

describe('core/change/plan', () => {
  const components = [
    aComponent('site/main', { config: { size: 1, tags: { a: 'x' }, list: [1, 2] } }),
    aComponent('cdn/c', { references: refersTo('site/main', ['url']) }),
    aComponent('dns/d', { references: refersTo('cdn/c') }),
    aComponent('log/l', { references: refersTo('site/main', ['id']) }),
  ]
  const types = {
    site: {
      outputs: [
        { name: 'url', from: ['/tags'] },
        { name: 'id', from: ['/size'] },
      ],
    },
  }
  const world = aWorld({ components, types, version: 7 })

  it('works out what would change, and whom that can reach', () => {
    const plan = plannedIn(world, { proposedChange: { tags: { b: 'y' }, list: [3] }, remove: ['/tags/a', '/none'] })
    const [item] = plan.items
    assert.deepEqual(item?.changedPaths, ['/list', '/tags/a', '/tags/b'])
    assert.equal(JSON.stringify(item?.after?.config), '{"size":1,"tags":{"b":"y"},"list":[3]}')
    assert.deepEqual(item?.before?.config, components[0]?.status?.committed?.config)
    assert.deepEqual(
      plan.impact.nearest(9).map(({ id, distance }) => `${id} ${distance}`),
      ['dev/cdn/c 1', 'dev/dns/d 2'],
    )
    assert.equal(plan.version, 7)
    assert.equal(plan.decision, 'Allow')
    assert.deepEqual(plan.patch, [{ id: 'dev/site/main', type: 'site', edges: [] }])
    assert.deepEqual(plan.warnings, ['Component site/main: spec.remove: expected something at /none, found nothing'])
  })

  it('reaches nobody when nothing changes', () => {
    const plan = plannedIn(world, { proposedChange: { size: 1 } })
    assert.ok(isUnchanged(plan))
    assert.deepEqual([plan.patch, plan.images, plan.impact.count, plan.decision], [[], [], 0, 'Allow'])
    assert.deepEqual(summaryOf(plan, world), {
      hash: plan.hash,
      graphVersions: { 'dev/dev': 7 },
      changed: [],
      verdicts: [],
    })
  })

  it('changes the edges with the config', () => {
    const web = aComponent('web/w', { config: { a: '${to.url}' }, references: refersTo('site/main') })
    const plan = plannedIn(aWorld({ components: [...components, web], types }), {
      component: 'web/w',
      proposedChange: { a: '${to.id}' },
    })
    assert.deepEqual(plan.patch, [
      { id: 'dev/web/w', type: 'web', edges: [{ name: 'to', to: 'dev/site/main', uses: ['id'] }] },
    ])
  })

  for (const [component, reason] of [
    ['site/none', 'UnknownComponent'],
    ['site', 'UnknownComponent'],
    ['a/b/c/d', 'UnknownComponent'],
  ] as const) {
    it(`fails for ${component}`, () => {
      const planned = planChange(aChangeRequest({ component }), world)
      assert.ok(!planned.ok)
      assert.deepEqual([planned.failure.reason, planned.failure.retry], [reason, false])
    })
  }

  it('stands in status with the strongest verdicts, however many there are', () => {
    const warn = (name: string) => ({ name, expression: 'false', verdict: 'Warn' as const })
    const guards = [...Array.from({ length: 20 }, (_, i) => warn(`w${i}`)), { name: 'no', expression: 'false' }]
    const strict = aWorld({ components, types: { site: { guards } } })
    const plan = plannedIn(strict)
    assert.equal(plan.decision, 'Reject')
    const { verdicts = [] } = summaryOf(plan, strict)
    assert.deepEqual([verdicts.length, verdicts[0]?.guard, verdicts[1]?.guard], [16, 'no', 'w0'])
  })
})

/** A world and a request, and the same once more as another cluster might tell it at another time. */
interface Told {
  readonly config: JsonObject
  readonly change: JsonObject
  readonly remove: readonly string[]
  readonly dependents: number
  readonly outputs: JsonObject
  readonly guards: readonly ('Warn' | 'RequireApproval' | 'Queue' | 'Reject')[]
}
const words = ['a', 'b', 'c', 'd', 'e']
const anyTold: fc.Arbitrary<Told> = fc
  .record({
    same: fc.nat(4),
    config: fc.dictionary(
      fc.constantFrom(...words),
      fc.oneof(fc.nat(1), fc.dictionary(fc.constantFrom(...words), fc.nat(1))),
    ),
    change: fc.dictionary(fc.constantFrom('a', 'b', 'e'), fc.nat(1), { minKeys: 1 }),
    remove: fc.uniqueArray(fc.constantFrom(...words.map((word) => `/${word}`)), { maxLength: 3 }),
    dependents: fc.nat(4),
    outputs: fc.dictionary(fc.constantFrom(...words), fc.constant('v'), { minKeys: 1 }),
    guards: fc.array(fc.constantFrom('Warn', 'RequireApproval', 'Queue', 'Reject'), { maxLength: 3 }),
  })
  .map(({ same, ...told }) => (same === 0 ? { ...told, change: told.config, remove: [] } : told))

const reversed = (object: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(object)
      .reverse()
      .map(([key, value]) => [key, typeof value === 'object' ? reversed(value as JsonObject) : value]),
  )

const planOf = (told: Told, elsewhere: boolean): Plan => {
  const turn = (object: JsonObject): JsonObject => (elsewhere ? reversed(object) : object)
  const order = <T>(list: readonly T[]): T[] => (elsewhere ? list.toReversed() : [...list])
  const references = order([
    { name: 'x', component: 'net/n', outputs: order(['a', 'missing']) },
    { name: 'y', component: 'net/m' },
  ])
  const components: Component[] = [
    // Elsewhere everything that is waited for has come.
    aComponent('net/n', { outputs: turn(elsewhere ? { ...told.outputs, a: 'v', missing: 'v' } : told.outputs) }),
    aComponent('net/m'),
    aComponent('site/main', { config: turn(told.config), references }),
    ...Array.from({ length: told.dependents }, (_, i) =>
      aComponent(`cdn/c${i}`, { references: refersTo('site/main') }),
    ),
  ]
  const guards = told.guards.map((verdict, i) => ({
    name: `g${i}`,
    expression: verdict === 'Queue' ? String(elsewhere) : 'false',
    verdict,
    message: `no ${i}`,
  }))
  const world = aWorld({
    components: order(components).map((component) => (elsewhere ? moved(component) : component)),
    types: { site: { guards: order(guards), configSchema: { properties: { a: { maximum: 1 }, b: { maximum: 1 } } } } },
    version: elsewhere ? 99 : 1,
    inFlight: elsewhere ? [{ object: 'changerequest/z', affected: new Set(['dev/site/main']) }] : [],
  })
  const asked = { proposedChange: turn(told.change), remove: order(told.remove) }
  return plannedIn(world, elsewhere ? { ...asked, ...another } : asked)
}

const another = {
  name: 'other',
  mode: 'Plan' as const,
  reason: 'again',
  requestedBy: { username: 'al', groups: ['g'] },
}
const moved = (component: Component): Component => ({
  ...component,
  metadata: { ...component.metadata, uid: 'else', resourceVersion: '999', creationTimestamp: at(noon) },
  status: { ...component.status, committed: { ...component.status!.committed!, graphVersion: 88, at: at(noon + 1) } },
})

describe('core/change/plan: sets', () => {
  const net = aComponent('net/a', { config: { n: 1 } })
  const other = aComponent('net/b', { config: { n: 1 } })
  const host = aComponent('host/h', { config: { at: '${net.id}' }, references: [{ name: 'net', component: 'net/a' }] })
  const web = aComponent('web/w', { references: refersTo('host/h') })
  const components = [net, other, host, web]
  const world = aWorld({ components })
  const patch = (component: string, n: number) => ({ component, proposedChange: { n } })

  it('are the changes of all, in one plan; those that are changed are not affected', () => {
    const plan = plannedIn(world, { changes: [patch('net/a', 2), { component: 'host/h', proposedChange: { x: 1 } }] })
    assert.deepEqual(
      plan.items.map(({ id, changedPaths }) => `${id} ${changedPaths}`),
      ['dev/net/a /n', 'dev/host/h /x'],
    )
    assert.deepEqual(
      plan.impact.nearest(9).map(({ id }) => id),
      ['dev/web/w'],
    )
    assert.deepEqual(summaryOf(plan, world).changed, ['net/a', 'host/h'])
  })

  it('take references away and delete what nobody needs any more, in whatever order it is asked', () => {
    const changes = [
      { component: 'net/a', operation: 'Delete' as const },
      {
        component: 'host/h',
        proposedChange: { at: 'x' },
        proposedReferences: [
          { name: 'net', remove: true },
          { name: 'other', component: 'net/b', outputs: ['id'] },
        ],
      },
    ]
    const [one, two] = [changes, changes.toReversed()].map((order) => plannedIn(world, { changes: order }))
    assert.equal(one?.hash, two?.hash)
    assert.deepEqual([one?.decision, one?.verdicts.map(({ guard }) => guard)], ['Queue', ['OutputsUnavailable']])
    assert.deepEqual(one?.patch, [
      { id: 'dev/net/a', removed: true },
      { id: 'dev/host/h', type: 'host', edges: [{ name: 'other', to: 'dev/net/b', uses: ['id'] }] },
    ])
    const { changed, removed } = summaryOf(one!, world)
    assert.deepEqual([changed, removed], [['host/h'], ['net/a']])
  })

  it('of one is the change alone: the same hash', () => {
    const alone = plannedIn(world, { component: 'net/a', proposedChange: { n: 2 } })
    assert.equal(plannedIn(world, { changes: [patch('net/a', 2)] }).hash, alone.hash)
    assert.notEqual(plannedIn(world, { changes: [patch('net/a', 2), patch('net/b', 2)] }).hash, alone.hash)
  })

  const refused: readonly [title: string, spec: Parameters<typeof aChangeRequest>[0], expected: string][] = [
    ['delete what is used', { component: 'net/a', operation: 'Delete' }, 'OutputInUse host/h'],
    [
      'delete what is used after all',
      {
        changes: [
          { component: 'net/a', operation: 'Delete' },
          { component: 'host/h', proposedChange: { x: 1 } },
        ],
      },
      'OutputInUse host/h,MissingReference host/h',
    ],
    ['close a circle', { component: 'net/a', proposedReferences: [{ name: 'w', component: 'web/w' }] }, 'Cycle net/a'],
    [
      'refer to itself',
      { component: 'net/a', proposedReferences: [{ name: 'me', component: 'net/a' }] },
      'Cycle net/a',
    ],
    [
      'refer to nobody',
      { component: 'net/a', proposedReferences: [{ name: 'x', component: 'net/none' }] },
      'MissingReference net/a',
    ],
    [
      'take away a reference that config reads',
      { component: 'host/h', proposedReferences: [{ name: 'net', remove: true }] },
      'MissingReference host/h',
    ],
  ]
  for (const [title, spec, expected] of refused) {
    it(`may not ${title}`, () => {
      const { decision, verdicts } = plannedIn(world, spec)
      assert.deepEqual(
        [
          decision,
          verdicts
            .map(({ guard, object }) => `${guard} ${object}`)
            .sort()
            .join(','),
        ],
        ['Reject', expected.split(',').sort().join(',')],
      )
    })
  }

  it('say what they name and do not find', () => {
    const plan = plannedIn(world, {
      changes: [
        { component: 'net/none', operation: 'Delete' },
        { component: 'net/a', remove: ['/x'], proposedReferences: [{ name: 'y', remove: true }] },
      ],
    })
    assert.deepEqual(plan.warnings, [
      'spec.changes[0].component: expected a Component to be deleted, found none named net/none',
      'Component net/a: spec.changes[1].remove: expected something at /x, found nothing',
      'Component net/a: spec.changes[1].proposedReferences: expected a reference y to be removed, found nothing',
    ])
    assert.ok(isUnchanged(plan))
  })
})

describe('core/change/hash', () => {
  it('equal plans have equal hashes: in any order, at any version and time, by whatever name, whatever they wait for', () => {
    holds(anyTold, 300, ['Reject', 'Queue', 'RequireApproval', 'waited for', 'affected', 'unchanged'], (told, hit) => {
      const [here, there] = [planOf(told, false), planOf(told, true)]
      assert.equal(there.hash, here.hash)
      assert.match(here.hash, /^sha256:[0-9a-f]{64}$/)
      for (const { verdict } of here.verdicts) hit(verdict)
      const waits = ({ guard, verdict }: Verdict) => verdict === 'Queue' && guard !== 'InFlight'
      if (here.verdicts.some(waits) && !there.verdicts.some(waits)) hit('waited for')
      if (here.impact.count > 0) hit('affected')
      if (isUnchanged(here)) hit('unchanged')
    })
  })

  it('different plans have different hashes', () => {
    const byContent = new Map<string, string>()
    const anySmall = anyTold.map(({ config, dependents, guards, ...told }) => ({
      ...told,
      change: { a: config.a ?? 1 },
      remove: told.remove.slice(0, 1),
      config: { a: 1 },
      outputs: { a: 'v' },
      dependents: dependents % 2,
      guards: guards.slice(0, 1),
    }))
    holds(anySmall, 300, ['seen before', 'new'], (told, hit) => {
      const plan = planOf(told, false)
      const content = JSON.stringify([
        sortedText(told.change),
        told.remove.toSorted(),
        sortedText(plan.items[0]?.before?.config ?? {}),
        sortedText(plan.items[0]?.after?.config ?? {}),
        plan.impact.nearest(99).map(({ id }) => id),
        plan.verdicts
          .filter(({ verdict }) => verdict !== 'Queue')
          .map(({ guard, verdict, message }) => `${guard} ${verdict} ${message}`)
          .sort(),
      ])
      const known = [...byContent].find(([, hash]) => hash === plan.hash)
      if (known) assert.equal(known[0], content)
      hit(byContent.has(content) ? 'seen before' : 'new')
      byContent.set(content, plan.hash)
    })
  })

  const verdict = (more: Partial<Verdict> = {}): Verdict => ({
    guard: 'g',
    verdict: 'Warn',
    reason: 'GuardFailed',
    object: 'site/main',
    message: 'no',
    ...more,
  })
  const bound: Bound = {
    request: { component: 'site/main', proposedChange: { a: 1 }, remove: ['/b'] },
    changes: [{ id: 'dev/site/main', before: { config: { b: 1 } }, after: { config: { a: 1 } } }],
    affected: ['dev/cdn/c'],
    verdicts: [verdict()],
  }
  const decisions: Decision[] = ['Allow', 'RequireApproval', 'Reject']
  const others: [title: string, other: Bound][] = [
    ['another Component', { ...bound, request: { ...bound.request, component: 'site/other' } }],
    ['another patch', { ...bound, request: { ...bound.request, proposedChange: { a: '1' } } }],
    ['no patch', { ...bound, request: { component: 'site/main', remove: ['/b'] } }],
    ['a reference asked for', { ...bound, request: { ...bound.request, proposedReferences: refersTo('x/y') } }],
    ['a rollback', { ...bound, request: { rollbackOf: 'wish' } }],
    ['another operation', { ...bound, request: { component: 'site/main', operation: 'Delete' } }],
    ['another pointer', { ...bound, request: { ...bound.request, remove: ['/b', '/c'] } }],
    ['another before', { ...bound, changes: [{ ...bound.changes[0]!, before: { config: { b: 2 } } }] }],
    [
      'a reference more',
      { ...bound, changes: [{ ...bound.changes[0]!, after: { config: { a: 1 }, references: refersTo('x/y') } }] },
    ],
    ['nothing after', { ...bound, changes: [{ ...bound.changes[0]!, after: null }] }],
    ['nothing before', { ...bound, changes: [{ ...bound.changes[0]!, before: null }] }],
    ['another after', { ...bound, changes: [{ ...bound.changes[0]!, after: { config: { a: [1] } } }] }],
    ['another changed Component', { ...bound, changes: [{ ...bound.changes[0]!, id: 'dev/site/other' }] }],
    ['nobody affected', { ...bound, affected: [] }],
    ['one more affected', { ...bound, affected: ['dev/cdn/c', 'dev/cdn/d'] }],
    ['no verdict', { ...bound, verdicts: [] }],
    ['the same verdict twice', { ...bound, verdicts: [verdict(), verdict()] }],
    ...decisions.map((decision): [string, Bound] => [
      decision,
      { ...bound, verdicts: [verdict({ verdict: decision })] },
    ]),
    ['another guard', { ...bound, verdicts: [verdict({ guard: 'h' })] }],
    ['another reason', { ...bound, verdicts: [verdict({ reason: 'GuardError' })] }],
    ['another message', { ...bound, verdicts: [verdict({ message: 'No' })] }],
    ['another object', { ...bound, verdicts: [verdict({ object: 'cdn/c' })] }],
  ]
  it('tells each part from every other', () => {
    const hashes = [bound, ...others.map(([, other]) => other)].map(planHash)
    for (const [i, [title]] of others.entries()) assert.equal(hashes.indexOf(hashes[i + 1]!), i + 1, title)
  })

  it('does not tell what is on its way, nor what is waited for, nor absent from empty', () => {
    const same: Bound[] = [
      { ...bound, verdicts: [verdict(), verdict({ guard: 'InFlight', reason: 'InFlight', verdict: 'Queue' })] },
      { ...bound, verdicts: [verdict(), verdict({ guard: 'later', verdict: 'Queue' })] },
      {
        ...bound,
        verdicts: [verdict(), verdict({ verdict: 'Queue' }), verdict({ verdict: 'Queue', message: 'or so' })],
      },
      { ...bound, verdicts: [verdict({ waitsFor: 'dev/x/y' })] },
    ]
    assert.deepEqual([...new Set([bound, ...same].map(planHash))].length, 1)
    const { proposedChange: _, remove: __, ...bare } = bound.request
    const empty = { ...bound, request: { ...bare, proposedChange: {}, remove: [] } }
    assert.equal(planHash({ ...bound, request: bare }), planHash(empty))
  })
})

const sortedText = (value: JsonObject): string =>
  JSON.stringify(value, (_key, member) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
