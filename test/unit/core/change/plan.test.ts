// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Component, Decision, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { type Bound, planHash } from '../../../../operator/core/change/hash.ts'
import { type Plan, planChange, summaryOf } from '../../../../operator/core/change/plan.ts'
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
    assert.deepEqual(plan.changedPaths, ['/list', '/tags/a', '/tags/b'])
    assert.equal(JSON.stringify(plan.after), '{"size":1,"tags":{"b":"y"},"list":[3]}')
    assert.deepEqual(plan.before, components[0]?.status?.committed?.config)
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
    assert.deepEqual([plan.changedPaths, plan.impact.count, plan.decision], [[], 0, 'Allow'])
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
      if (here.changedPaths.length === 0) hit('unchanged')
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
        sortedText(plan.before),
        sortedText(plan.after),
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
    changes: [{ id: 'dev/site/main', before: { b: 1 }, after: { a: 1 } }],
    affected: ['dev/cdn/c'],
    verdicts: [verdict()],
  }
  const decisions: Decision[] = ['Allow', 'RequireApproval', 'Reject']
  const others: [title: string, other: Bound][] = [
    ['another Component', { ...bound, request: { ...bound.request, component: 'site/other' } }],
    ['another patch', { ...bound, request: { ...bound.request, proposedChange: { a: '1' } } }],
    ['no patch', { ...bound, request: { component: 'site/main', remove: ['/b'] } }],
    ['another pointer', { ...bound, request: { ...bound.request, remove: ['/b', '/c'] } }],
    ['another before', { ...bound, changes: [{ ...bound.changes[0]!, before: { b: 2 } }] }],
    ['nothing before', { ...bound, changes: [{ ...bound.changes[0]!, before: null }] }],
    ['another after', { ...bound, changes: [{ ...bound.changes[0]!, after: { a: [1] } }] }],
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
