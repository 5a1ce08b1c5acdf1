import assert from 'node:assert/strict'
import type { ChangeRequest, Condition, Phase } from '../../../../operator/api/kinds.generated.ts'
import { editOf, requestOfEdit, standingOfEdit } from '../../../../operator/core/component/edit.ts'
import { conditionsOf } from '../../../../operator/core/component/status.ts'
import { hashOf, wantedOf } from '../../../../operator/core/component/wanted.ts'
import { aChangeRequest, aComponent, at, noon } from '../../../support/builders.ts'

const annotations = { 'usekarma.dev/edited-by': 'jo' }
type Options = Parameters<typeof aComponent>[1]
const edited = (options: Options = {}) =>
  aComponent('site/main', {
    config: { size: 2 },
    committed: { config: { size: 1 }, hash: hashOf({ config: { size: 1 } }) },
    metadata: { annotations },
    ...options,
  })

describe('core/component/edit', () => {
  const cases: readonly [title: string, component: ReturnType<typeof aComponent>, isEdit: boolean][] = [
    ['spec differs from what is committed', edited(), true],
    [
      'only in its references',
      aComponent('site/main', {
        references: [{ name: 'a', component: 'b/c' }],
        committed: { references: [], hash: hashOf({}) },
      }),
      true,
    ],
    [
      'only in its source',
      aComponent('site/main', { source: { repository: 'r' }, committed: { hash: hashOf({}) } }),
      true,
    ],
    ['spec is as committed', aComponent('site/main', { config: { size: 1 } }), false],
    ['not committed yet', aComponent('site/main', { committed: false }), false],
    ['being deleted', edited({ metadata: { deletionTimestamp: 'now' } }), false],
  ]
  for (const [title, component, isEdit] of cases) {
    it(`${title}: ${isEdit ? 'an edit' : 'none'}`, () => assert.equal(editOf(component) !== undefined, isEdit))
  }

  it('is the same for the same change of the same state, and for no other', () => {
    const nameOf = (options: Options = {}): string => editOf(edited(options))?.name ?? ''
    const committed = { config: { size: 1 }, hash: hashOf({ config: { size: 1 } }) }
    assert.match(nameOf(), /^site\.main-[0-9a-f]{10}$/)
    assert.equal(nameOf(), nameOf({ metadata: { annotations: {}, resourceVersion: '999', labels: { a: 'b' } } }))
    const others = [
      nameOf({ config: { size: 3 } }),
      nameOf({ metadata: { uid: 'another' } }),
      nameOf({ committed: { ...committed, graphVersion: 2 } }),
      nameOf({ committed: { config: {}, hash: hashOf({}) } }),
    ]
    assert.equal(new Set([nameOf(), ...others]).size, 5)
  })

  it('fits into a name, however long that of the Component is', () => {
    const nickname = 'n'.repeat(240)
    const long = aComponent(`site/${nickname}`, { config: { a: 1 }, committed: { hash: hashOf({}), config: {} } })
    assert.ok((editOf(long)?.name.length ?? 999) <= 253)
  })

  it('becomes a request of its editor, about what spec wants', () => {
    const component = edited()
    assert.deepEqual(requestOfEdit(component, editOf(component)!).spec, {
      component: 'site/main',
      origin: 'Edit',
      wantedHash: hashOf(wantedOf(component.spec)),
      reason: 'spec of Component site.main was edited by jo',
      requestedBy: { username: 'jo' },
    })
  })

  describe('on the Component', () => {
    const component = edited()
    const { name = '' } = editOf(component) ?? {}
    const request = (phase: Phase, reason: string, message: string): ChangeRequest => {
      const condition: Condition = {
        type: 'Succeeded',
        status: 'Unknown',
        reason,
        message,
        lastTransitionTime: at(noon),
      }
      return aChangeRequest({ name, status: { phase, conditions: [condition] } })
    }
    const lineOf = (edit: ReturnType<typeof standingOfEdit>): string => {
      const conditions = conditionsOf(component, { unresolved: [], heldBack: [], edit }, at(noon))
      const say = (type: string): string => {
        const { status, reason } = conditions.find((one) => one.type === type)!
        return `${type}=${status[0]}:${reason}`
      }
      const message = conditions.find(({ type }) => type === 'Committed')?.message
      return `${['Ready', 'Committed', 'Reconciling', 'Stalled'].map(say).join(' ')} "${message}"`
    }
    const differs = 'spec differs from what is committed (version 1)'
    const next = 'set spec back, edit it again, or delete the ChangeRequest to have it tried again'
    const table: readonly [title: string, request: ChangeRequest | undefined, expected: string][] = [
      [
        'before it is asked for',
        undefined,
        `Ready=F:Edited Committed=F:Edited Reconciling=T:Edited Stalled=F:Passed "${differs}; ChangeRequest ${name} brings it through"`,
      ],
      [
        'that waits',
        request('Queued', 'OutputsUnavailable', 'not yet'),
        `Ready=F:OutputsUnavailable Committed=F:OutputsUnavailable Reconciling=T:OutputsUnavailable Stalled=F:Passed "${differs}; ChangeRequest ${name} waits: not yet"`,
      ],
      [
        'that is rejected',
        request('Rejected', 'GuardFailed', 'no'),
        `Ready=F:GuardFailed Committed=F:GuardFailed Reconciling=F:GuardFailed Stalled=T:GuardFailed "${differs}; ChangeRequest ${name} is Rejected: no; ${next}"`,
      ],
      [
        'that was taken back',
        request('Cancelled', 'Cancelled', 'spec.cancel was set'),
        `Ready=F:Cancelled Committed=F:Cancelled Reconciling=F:Cancelled Stalled=T:Cancelled "${differs}; ChangeRequest ${name} is Cancelled: spec.cancel was set; ${next}"`,
      ],
    ]
    for (const [title, found, expected] of table) {
      it(`one ${title}`, () => {
        const standing = standingOfEdit(component, (of) => (of === name ? found : undefined))
        assert.equal(lineOf(standing), expected)
      })
    }

    it('one that cannot be read is said to be wrong, though what can be read is what is committed', () => {
      const faulty = aComponent('site/main', {
        config: { size: 1, x: null } as never,
        committed: { config: { size: 1 }, hash: hashOf({ config: { size: 1 } }) },
      })
      const standing = standingOfEdit(faulty, () => undefined)
      assert.deepEqual([standing?.phase, standing?.reason], ['Rejected', 'NullValue'])
      assert.match(
        lineOf(standing),
        /Committed=F:NullValue .*Stalled=T:NullValue "spec differs .*: Component site\/main: spec.config.x: expected a value/,
      )
    })
  })
})
