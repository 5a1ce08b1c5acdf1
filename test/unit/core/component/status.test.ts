import assert from 'node:assert/strict'
import type { Component, ComponentStatus, Condition, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { bounds } from '../../../../operator/core/change/bounds.ts'
import { standingStatus } from '../../../../operator/core/component/standing.ts'
import {
  committedStatus,
  conditionsOf,
  removedStatus,
  type Standing,
} from '../../../../operator/core/component/status.ts'
import { hashOf, wantedOf } from '../../../../operator/core/component/wanted.ts'
import { eventOf } from '../../../../operator/core/event/envelope.ts'
import { aComponent, at, noon } from '../../../support/builders.ts'
import { assertStorable } from '../../../support/storable.ts'

const change = { name: 'wish', uid: 'uid-wish', hash: `sha256:${'0'.repeat(64)}` }
const nothing: Standing = { unresolved: [], heldBack: [] }

const conditionsIn = (component: Component, standing: Partial<Standing> = {}, now = noon): Condition[] =>
  conditionsOf(component, { ...nothing, ...standing }, at(now))
/** `Ready=True Committed=True …`, with the reasons */
const lineOf = (conditions: readonly Condition[] = []): string =>
  conditions.map(({ type, status, reason }) => `${type}=${status[0]}:${reason}`).join(' ')

describe('core/component/status: conditions', () => {
  const lacks = ['reference b: bucket/b has not reported arn']
  const held = [
    { reason: 'MissingReference' as const, message: 'no bucket' },
    { reason: 'InvalidConfig' as const, message: 'no size' },
  ]
  const going = { deletionTimestamp: at(noon) }
  const edited = aComponent('site/main', { config: { size: 2 }, committed: { config: { size: 1 } } })
  type Row = readonly [title: string, component: Component, standing: Partial<Standing>, expected: string]
  const table: readonly Row[] = [
    [
      'committed, and all is there',
      aComponent('site/main'),
      {},
      'Ready=T:Ready Committed=T:Committed Resolved=T:Resolved Reconciling=F:Committed Stalled=F:Passed',
    ],
    [
      'committed, but an output is not reported',
      aComponent('site/main'),
      { unresolved: lacks },
      'Ready=F:Unresolved Committed=T:Committed Resolved=F:Unresolved Reconciling=F:Committed Stalled=F:Passed',
    ],
    [
      'new',
      aComponent('site/main', { committed: false }),
      {},
      'Ready=F:Accepted Committed=F:Accepted Resolved=T:Resolved Reconciling=T:Accepted Stalled=F:Passed',
    ],
    [
      'new, and held back',
      aComponent('site/main', { committed: false }),
      { heldBack: held, unresolved: lacks },
      'Ready=F:MissingReference Committed=F:MissingReference Resolved=F:Unresolved Reconciling=F:MissingReference Stalled=T:MissingReference',
    ],
    [
      'new, and waiting for an output',
      aComponent('site/main', { committed: false }),
      { heldBack: [{ verdict: 'Queue', reason: 'OutputsUnavailable', message: 'bucket has not reported arn' }] },
      'Ready=F:OutputsUnavailable Committed=F:OutputsUnavailable Resolved=T:Resolved Reconciling=T:OutputsUnavailable Stalled=F:Passed',
    ],
    [
      'being deleted, and still referred to',
      aComponent('site/main', { metadata: going }),
      { heldBack: [{ reason: 'OutputInUse', message: 'cdn/c refers to it' }] },
      'Ready=F:OutputInUse Committed=T:Committed Resolved=T:Resolved Reconciling=F:Committed Stalled=T:OutputInUse',
    ],
    [
      'edited',
      edited,
      {},
      'Ready=F:Edited Committed=F:Edited Resolved=T:Resolved Reconciling=F:Edited Stalled=F:Passed',
    ],
    [
      'edited, and lacking',
      edited,
      { unresolved: lacks },
      'Ready=F:Edited Committed=F:Edited Resolved=F:Unresolved Reconciling=F:Edited Stalled=F:Passed',
    ],
    [
      'being deleted',
      aComponent('site/main', { metadata: going }),
      {},
      'Ready=F:Removed Committed=T:Committed Resolved=T:Resolved Reconciling=F:Committed Stalled=F:Passed',
    ],
    [
      'being deleted, and never committed',
      aComponent('site/main', { metadata: going, committed: false }),
      {},
      'Ready=F:Removed Committed=F:Accepted Resolved=T:Resolved Reconciling=T:Accepted Stalled=F:Passed',
    ],
  ]
  for (const [title, component, standing, expected] of table) {
    it(title, () => {
      const conditions = conditionsIn(component, standing)
      assert.equal(lineOf(conditions), expected)
      assertStorable('Component', { ...component.status, conditions })
    })
  }

  it('say why in words', () => {
    const said = (component: Component, standing: Partial<Standing> = {}) =>
      conditionsIn(component, standing).find(({ type }) => type === 'Committed')?.message
    assert.equal(said(aComponent('site/main')), 'as version 1')
    assert.equal(said(aComponent('site/main', { committed: false })), 'waits for its environment')
    assert.equal(said(aComponent('site/main', { committed: false }), { heldBack: held }), 'no bucket; no size')
    assert.equal(said(edited), 'spec differs from what is committed (version 1)')
  })

  it('move their time when their answer does, and only then', () => {
    const first = conditionsIn(aComponent('site/main', { committed: false }))
    const waiting = aComponent('site/main', {
      committed: false,
      status: { conditions: first },
      metadata: { generation: 2 },
    })
    const second = conditionsIn(waiting, { heldBack: held }, noon + 5_000)
    assert.deepEqual(
      second.map(({ type, lastTransitionTime, observedGeneration }) => [type, lastTransitionTime, observedGeneration]),
      [
        ['Ready', at(noon), 2],
        ['Committed', at(noon), 2],
        ['Resolved', at(noon), 2],
        ['Reconciling', at(noon + 5_000), 2],
        ['Stalled', at(noon + 5_000), 2],
      ],
    )
  })

  it('an edit that means nothing is none', () => {
    const references = [
      { name: 'b', component: 'bucket/b', outputs: ['x', 'y'] },
      { name: 'a', component: 'bucket/a', outputs: [] },
    ]
    const committed = {
      references: [
        { name: 'a', component: 'bucket/a' },
        { name: 'b', component: 'bucket/b', outputs: ['y', 'x'] },
      ],
    }
    const component = aComponent('site/main', { references, config: {}, allowedNamespaces: [], committed })
    assert.match(lineOf(conditionsIn(component)), /Committed=T/)
  })
})

describe('core/component/status: transitions', () => {
  const commit = (component: Component, wanted: Parameters<typeof committedStatus>[1]['wanted'], by?: typeof change) =>
    committedStatus(component, { wanted, version: 3, change: by, now: noon })
  const attrsOf = ({ history = [] }: ComponentStatus): JsonObject => JSON.parse(history.at(-1)?.attrs ?? '{}')

  it('a creation', () => {
    const component = aComponent('site/main', {
      config: { size: 1 },
      project: 'p',
      outputs: { o: 1 },
      committed: false,
    })
    const wanted = wantedOf(component.spec)
    const status = commit(component, wanted)
    assert.deepEqual(JSON.parse(JSON.stringify(status.committed)), {
      config: { size: 1 },
      project: 'p',
      hash: hashOf(wanted),
      graphVersion: 3,
      at: at(noon),
    })
    assert.deepEqual(attrsOf(status), {
      version: 3,
      hash: hashOf(wanted),
      forward: { config: { size: 1 }, project: 'p' },
    })
    const [entry] = status.history ?? []
    assert.deepEqual(
      [entry?.type, entry?.reason, entry?.message],
      ['component.committed', 'Created', 'created in version 3'],
    )
    assert.equal(status.outputs?.o, 1)
    assert.equal(status.dependents, 0)
    assert.match(lineOf(status.conditions), /Ready=T:Ready Committed=T/)
    assertStorable('Component', status)
  })

  it('a change, told with its way there and back, as part of its request', () => {
    const component = aComponent('site/main', { config: { size: 1, old: true } })
    const status = commit(component, { config: { size: 2, new: [1] } }, change)
    assert.deepEqual(attrsOf(status), {
      version: 3,
      hash: status.committed?.hash,
      change: 'uid-wish',
      request: 'wish',
      forward: { config: { size: 2, new: [1], old: null } },
      inverse: { config: { size: 1, old: true, new: null } },
    })
    assert.deepEqual([status.committed?.changeRequest, status.history?.[0]?.reason], ['wish', 'Applied'])
    // Its spec is still to follow, or somebody edited it meanwhile.
    assert.match(lineOf(status.conditions), /Committed=F:Edited/)
    const event = eventOf(component, status.history![0]!)
    assert.ok(event.ok)
    assert.equal(event.value.correlation_id, 'uid-wish')
  })

  it('says from which revision it is, also where that is the one before', () => {
    const source = { repository: 'https://git.example/infra', revision: '1fd742f' }
    const first = attrsOf(commit(aComponent('site/main', { committed: false }), { source }))
    assert.equal(first.revision, '1fd742f')
    const same = attrsOf(commit(aComponent('site/main', { source }), { source, config: { size: 2 } }, change))
    assert.deepEqual([same.revision, same.forward], ['1fd742f', { config: { size: 2 } }])
    const without = { repository: source.repository }
    assert.ok(!Object.hasOwn(attrsOf(commit(aComponent('site/main', { source }), { source: without })), 'revision'))
    const long = commit(aComponent('site/main'), { source: { ...source, revision: 'ü'.repeat(253) } })
    assert.equal(attrsOf(long).revision, `${'ü'.repeat(125)}…`)
    assertStorable('Component', long)
  })

  it('a removal', () => {
    const component = aComponent('site/main', { config: { size: 1 }, outputs: { o: 1 } })
    const status = removedStatus(component, { version: 4, now: noon })
    assert.equal(status.committed, undefined)
    assert.deepEqual(status.outputs, component.status?.outputs)
    const [entry] = status.history ?? []
    assert.deepEqual(
      [entry?.type, entry?.reason, entry?.message],
      ['component.removed', 'Removed', 'taken out of the graph in version 4'],
    )
    assert.deepEqual(attrsOf(status), { version: 4, inverse: { config: { size: 1 }, references: {} } })
    const asked = removedStatus(component, { version: 4, now: noon, change })
    const { change: uid, request } = attrsOf(asked)
    assert.deepEqual(
      [uid, request, asked.history?.[0]?.message],
      ['uid-wish', 'wish', 'taken out of the graph in version 4 by ChangeRequest wish'],
    )
    assertStorable('Component', status)
  })

  it('remembers the requests that were applied, the last of them, within bounds', () => {
    let component: Component = aComponent('site/main', { committed: false })
    const names = (): string[] => (component.status?.applied ?? []).map(({ name }) => name)
    for (let i = 1; i <= 70; i++) {
      component = { ...component, status: commit(component, {}, { ...change, name: `r${i}` }) }
    }
    assert.deepEqual([names().length, names()[0], names().at(-1)], [64, 'r7', 'r70'])
    for (let i = 1; i <= 64; i++) {
      component = { ...component, status: commit(component, {}, { ...change, name: `${i}`.padEnd(253, 'x') }) }
    }
    const bytes = JSON.stringify(component.status?.applied).length
    assert.ok(bytes > 7_000 && bytes <= 8_192, `${bytes} bytes`)
    assert.match(names().at(-1)!, /^64x/)
  })

  it('numbers go on without a gap', () => {
    let component: Component = aComponent('site/main', { committed: false })
    for (let i = 1; i <= 40; i++) {
      const status = commit(component, { config: { i } }, change)
      assert.equal(status.seq, i)
      assert.deepEqual(
        status.history?.map(({ seq }) => seq),
        Array.from({ length: Math.min(i, 32) }, (_, n) => i - Math.min(i, 32) + n + 1),
      )
      component = { ...component, status }
    }
  })

  for (const letter of ['x', '"', '鯨', '🐋', '\u0001']) {
    it(`stays under 128 KiB with all that may be committed and reported, of ${JSON.stringify(letter)}`, () => {
      const each = Buffer.byteLength(JSON.stringify(letter)) - 2
      const ofBytes = (bytes: number): JsonObject => ({ text: letter.repeat(Math.floor((bytes - 11) / each)) })
      const config = ofBytes(32_768)
      const references = Array.from({ length: 30 }, (_, i) => ({
        name: `r${i}`,
        component: `bucket/${'b'.repeat(80)}-${i}`,
      }))
      const wanted = wantedOf({ config, references })
      const size = Buffer.byteLength(JSON.stringify(wanted))
      assert.ok(size > 30_000 && size <= bounds.committed, `${size} bytes are committed`)
      let component: Component = aComponent('site/main', { outputs: ofBytes(32_768), committed: false })
      component.status!.runtime = { state: 'running', config: ofBytes(32_768), observedAt: at(noon) }
      for (let i = 0; i < 40; i++) {
        const status = commit(component, i % 2 === 0 ? wanted : { ...wanted, config: { text: letter } }, change)
        component = { ...component, status: { ...status, dependents: 100_000 } }
      }
      component = { ...component, status: commit(component, wanted, change) }
      const message = letter.repeat(5_000)
      const standing = {
        unresolved: [message, `${message}2`],
        heldBack: Array(100).fill({ reason: 'InvalidConfig', message }),
      }
      const drift = { status: 'True', reason: 'ConfigDiffers', message, pointers: Array(9_000).fill('/x') } as const
      const status = standingStatus(component, { ...standing, drift, dependents: 2 ** 31 - 1 }, noon)
      assertStorable('Component', status)
      const bytes = Buffer.byteLength(JSON.stringify(status))
      assert.ok(bytes > 115_000, `a status of ${bytes} bytes is not the largest`)
    })
  }
})
