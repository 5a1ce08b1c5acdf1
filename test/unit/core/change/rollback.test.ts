import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ChangeRequest, Component } from '../../../../operator/api/kinds.generated.ts'
import { imaged } from '../../../../operator/core/change/image.ts'
import { planChange } from '../../../../operator/core/change/plan.ts'
import { hashOf, wantedOf } from '../../../../operator/core/component/wanted.ts'
import { aChangeRequest, aComponent, aWorld } from '../../../support/builders.ts'
import { holds } from '../graph/property.ts'

type Spec = Parameters<typeof aChangeRequest>[0]

/** Components after a request was applied to them, and the request as it stands then. */
const applied = (components: readonly Component[], name: string, spec: Spec): [Component[], ChangeRequest] => {
  const request = aChangeRequest({ name, ...spec })
  const plan = planChange(request, aWorld({ components }))
  assert.ok(plan.ok, plan.ok ? '' : plan.failure.message)
  const changed = new Map(plan.value.items.map((item) => [item.component.metadata.name, item]))
  const after = components.flatMap((component): Component[] => {
    const item = changed.get(component.metadata.name)
    if (!item) return [component]
    if (item.after === null) return []
    const { config = {}, references = [] } = item.after
    const past = component.status?.applied ?? []
    const status = { applied: [...past, { name, hash: 'h' }] }
    return [aComponent(`${component.spec.type}/${component.spec.nickname}`, { config, references, status })]
  })
  return [after, { ...request, status: { phase: 'Applied', images: [...plan.value.images] } }]
}
const undo = (components: readonly Component[], requests: readonly ChangeRequest[], rollbackOf: string) =>
  planChange(aChangeRequest({ rollbackOf }), aWorld({ components, requests }))

describe('core/change/rollback', () => {
  const site = aComponent('site/main', { config: { size: 1, tags: { a: 1 }, list: [1] } })
  const said = (components: readonly Component[], requests: readonly ChangeRequest[], of: string): string => {
    const plan = undo(components, requests, of)
    if (!plan.ok) return `${plan.failure.reason}: ${plan.failure.message}`
    return plan.value.items.map(({ id, after }) => `${id} ${JSON.stringify(after && { ...after })}`).join('; ')
  }

  it('takes back what the request did, and nothing else', () => {
    const [first, grow] = applied([site], 'grow', { proposedChange: { size: 2, tags: { b: 2 } }, remove: ['/list'] })
    const [second] = applied(first, 'other', { proposedChange: { colour: 'red', tags: { c: 3 } } })
    assert.equal(
      said(second, [grow], 'grow'),
      'dev/site/main {"config":{"size":1,"tags":{"a":1,"c":3},"colour":"red","list":[1]}}',
    )
  })

  const later: readonly [title: string, change: Spec, next: Spec, expected: RegExp][] = [
    [
      'the same field',
      { proposedChange: { size: 2 } },
      { proposedChange: { size: 3 } },
      /expected \/size as do left it, found that then changed the same; roll back then first/,
    ],
    [
      'a field that it took away',
      { proposedChange: { x: 1 }, remove: ['/size'] },
      { proposedChange: { size: 3 } },
      /expected \/size as do left it/,
    ],
    [
      'a field that it brought',
      { proposedChange: { x: 1 } },
      { proposedChange: { y: 1 }, remove: ['/x'] },
      /expected \/x as do left it/,
    ],
    [
      'inside a map that it brought',
      { proposedChange: { map: { a: 1 } } },
      { proposedChange: { map: { b: 1 } } },
      /expected \/map\/b as do left it/,
    ],
    [
      'a list that it changed',
      { proposedChange: { list: [2] } },
      { proposedChange: { list: [2, 3] } },
      /expected \/list as do left it/,
    ],
    [
      'a reference that it changed',
      { proposedReferences: [{ name: 'n', component: 'net/a' }] },
      { proposedReferences: [{ name: 'n', component: 'net/b' }] },
      /expected \/references\/n\/component as do left it/,
    ],
  ]
  for (const [title, change, next, expected] of later) {
    it(`is refused when ${title} was changed later`, () => {
      const nets = [aComponent('net/a'), aComponent('net/b')]
      const [first, request] = applied([site, ...nets], 'do', change)
      const [second] = applied(first, 'then', next)
      assert.match(said(second, [request], 'do'), /^LaterChange: Component site\/main: /)
      assert.match(said(second, [request], 'do'), expected)
    })
  }

  it('is refused when the Component is gone, and when one that it deleted is there again', () => {
    const [first, grow] = applied([site], 'grow', { proposedChange: { size: 2 } })
    assert.match(said([], [grow], 'grow'), /^LaterChange: .* found that it is gone/)
    const [none, deletion] = applied(first, 'delete', { operation: 'Delete' })
    assert.deepEqual(none, [])
    assert.match(said([site], [deletion], 'delete'), /^LaterChange: .* found one that was created since/)
    assert.match(
      said([aComponent('site/main', { committed: false })], [deletion], 'delete'),
      /found one that was created since/,
    )
    assert.equal(said([], [deletion], 'delete'), 'dev/site/main {"config":{"size":2,"tags":{"a":1},"list":[1]}}')
  })

  const refused: readonly [title: string, requests: readonly ChangeRequest[], expected: string][] = [
    ['nobody', [], 'UnknownRequest: spec.rollbackOf: expected a ChangeRequest, found none named do'],
    ...(['Pending', 'Queued', 'Rejected', 'Planned', 'Applying'] as const).map(
      (phase): [string, ChangeRequest[], string] => [
        `one that is ${phase}`,
        [aChangeRequest({ name: 'do', status: { phase } })],
        `NotApplied: spec.rollbackOf: expected a request that was applied, found do in phase ${phase}`,
      ],
    ),
    [
      'one that changed nothing',
      [aChangeRequest({ name: 'do', status: { phase: 'Applied' } })],
      'NotApplied: spec.rollbackOf: expected a request that was applied, found do, which has changed nothing',
    ],
  ]
  for (const [title, requests, expected] of refused) {
    it(`of ${title} is refused`, () => assert.equal(said([site], requests, 'do'), expected))
  }

  it('of one that is rolled back already is refused, unless that was rolled back too', () => {
    const [components, request] = applied([site], 'do', { proposedChange: { size: 2 } })
    const undone = { ...request, status: { ...request.status, rolledBackBy: 'undo' } }
    const by = (rolledBackBy?: string) =>
      aChangeRequest({
        name: 'undo',
        rollbackOf: 'do',
        status: { phase: 'Applied', ...(rolledBackBy && { rolledBackBy }) },
      })
    assert.match(said(components, [undone, by()], 'do'), /^LaterChange: .* undo has undone do already/)
    assert.match(said(components, [undone], 'do'), /^LaterChange: .* undo has undone do already/)
    assert.equal(said(components, [undone, by('redo')], 'do').split(' ')[0], 'dev/site/main')
  })

  it('of a set undoes all of it or nothing', () => {
    const net = aComponent('net/a', { config: { n: 1 } })
    const changes = [
      { component: 'site/main', proposedChange: { size: 2 } },
      { component: 'net/a', operation: 'Delete' as const },
    ]
    const [first, set] = applied([site, net], 'set', { changes })
    assert.equal(said(first, [set], 'set').split('; ').length, 2)
    const [second] = applied(first, 'then', { proposedChange: { size: 3 } })
    assert.match(said(second, [set], 'set'), /^LaterChange/)
  })

  const words = ['a', 'b', 'c']
  const anyConfig = fc.dictionary(
    fc.constantFrom(...words),
    fc.oneof(fc.nat(1), fc.dictionary(fc.constantFrom(...words), fc.nat(1))),
  )
  const anyChange = fc.record({
    proposedChange: fc.dictionary(
      fc.constantFrom(...words),
      fc.oneof(fc.nat(2), fc.dictionary(fc.constantFrom(...words), fc.nat(2))),
      { minKeys: 1 },
    ),
    remove: fc.uniqueArray(fc.constantFrom('/a', '/b', '/c', '/a/b'), { maxLength: 2 }),
  })

  it('of any change brings back what was there before; of that, what the change made; after another, both or neither', () => {
    holds(
      fc.tuple(anyConfig, anyChange, anyChange),
      400,
      ['undone', 'kept', 'refused'],
      ([config, change, other], hit) => {
        const start = aComponent('site/main', { config })
        const [first, request] = applied([start], 'do', change)
        if ((request.status?.images ?? []).length === 0) return
        const back = undo(first, [request], 'do')
        assert.ok(back.ok)
        assert.equal(hashOf(back.value.items[0]?.after ?? {}), hashOf(wantedOf(start.spec)))
        hit('undone')
        const [second] = applied(first, 'other', other)
        const late = undo(second, [request], 'do')
        if (!late.ok) return hit('refused')
        // What the other one did is still there: done again, it is as it was before the rollback.
        const again = imaged(request.status?.images?.[0]?.after ?? '', late.value.items[0]?.after ?? {})
        assert.equal(hashOf(again ?? {}), hashOf(wantedOf(second[0]!.spec)))
        hit('kept')
      },
    )
  })
})
