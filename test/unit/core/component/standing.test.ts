import assert from 'node:assert/strict'
import type { Component, ComponentStatus, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { type Drift, driftOf } from '../../../../operator/core/component/drift.ts'
import { reportHashOf } from '../../../../operator/core/component/report.ts'
import { standingStatus, standsAsBefore } from '../../../../operator/core/component/standing.ts'
import { committedStatus } from '../../../../operator/core/component/status.ts'
import { aComponent, at, noon } from '../../../support/builders.ts'
import { assertStorable } from '../../../support/storable.ts'

type Runtime = ComponentStatus['runtime'] & object
type Outputs = ComponentStatus['outputs'] & object

const config = { size: 1, colour: 'red' }
const nowhere = { known: () => undefined, type: () => undefined }

/** The Component after each of these reports, as its controller would write it. */
const afterReports = (...reports: readonly { runtime?: Runtime; outputs?: Outputs }[]): Component[] => {
  let component = aComponent('site/main', { config, status: { dependents: 2 } })
  return reports.map((report, i) => {
    const status = { ...component.status, ...report } as ComponentStatus
    const reported = aComponent('site/main', { config, status })
    const standing = { unresolved: [], heldBack: [], dependents: 2, drift: driftOf(reported, nowhere) }
    const next = standingStatus(reported, standing, noon + i * 1_000)
    assertStorable('Component', next)
    component = { ...reported, status: next } as typeof component
    return component
  })
}
const toldBy = ({ status }: Component): string[] => (status?.history ?? []).map(({ type }) => type)
const last = ({ status }: Component): { reason?: string; message?: string; attrs: JsonObject } => {
  const { reason, message, attrs = '{}' } = status?.history?.at(-1) ?? {}
  return { ...(reason && { reason }), ...(message && { message }), attrs: JSON.parse(attrs) }
}
const driftedOf = ({ status }: Component): string | undefined =>
  status?.conditions?.find(({ type }) => type === 'Drifted')?.status
const asCommitted = { config }
const another = { config: { ...config, size: 2 } }

describe('core/component/standing: Drifted', () => {
  type Row = readonly [title: string, reports: readonly Runtime[], drifted: string | undefined, told: readonly string[]]
  const table: readonly Row[] = [
    ['absent without a config', [{ state: 'running' }], undefined, ['observed']],
    ['False, as committed from the start', [asCommitted], 'False', ['observed']],
    ['True, and told', [another], 'True', ['observed', 'drifted']],
    ['True after False', [asCommitted, another], 'True', ['observed', 'observed', 'drifted']],
    ['over', [another, asCommitted], 'False', ['observed', 'drifted', 'observed', 'converged']],
    ['in more places: told once', [another, { config: {} }], 'True', ['observed', 'drifted', 'observed']],
    [
      'Unknown before the next look, then as wanted',
      [
        { ...another, observedAt: at(noon - 5_000) },
        { ...asCommitted, observedAt: at(noon + 5_000) },
      ],
      'False',
      ['observed', 'observed', 'converged'],
    ],
    [
      'seen again at another time: no news',
      [another, { ...another, observedAt: at(noon + 5_000) }],
      'True',
      ['observed', 'drifted'],
    ],
    ['gone with the report', [another, {}], undefined, ['observed', 'drifted', 'observed']],
  ]
  for (const [title, runtimes, drifted, told] of table) {
    it(title, () => {
      const component = afterReports(...runtimes.map((runtime) => ({ runtime }))).at(-1)!
      assert.equal(driftedOf(component), drifted)
      assert.deepEqual(
        toldBy(component),
        told.map((type) => `component.${type}`),
      )
    })
  }

  it('has its own generation, and no say in Ready', () => {
    const [component] = afterReports({ runtime: another })
    const [ready, ...others] = component?.status?.conditions ?? []
    assert.deepEqual([ready?.type, ready?.status], ['Ready', 'True'])
    const drifted = others.at(-1)
    assert.deepEqual([drifted?.type, drifted?.reason, drifted?.observedGeneration], ['Drifted', 'ConfigDiffers', 1])
  })

  it('says in its event where, and which version it was measured by', () => {
    const [component] = afterReports({ runtime: { config: {} } })
    const { reason, message, attrs } = last(component!)
    assert.equal(reason, 'ConfigDiffers')
    assert.match(message ?? '', /^Component site\/main: .*\/size: expected 1, found nothing/)
    assert.deepEqual(attrs, { version: 1, differs: ['/size', '/colour'], count: 2 })
    assert.deepEqual(last(afterReports({ runtime: another }, { runtime: asCommitted })[1]!).attrs, { version: 1 })
  })

  it('stands as it was while a change is written, until somebody has looked', () => {
    const [component] = afterReports({ runtime: asCommitted })
    const status = committedStatus(component!, { wanted: { config: { size: 3 } }, version: 2, now: noon + 9_000 })
    assert.equal(driftedOf({ ...component!, status }), 'False')
    assert.equal(status.reportHash, component?.status?.reportHash)
  })

  it('attrs of ten thousand places stay small', () => {
    const drift: Drift = {
      status: 'True',
      reason: 'ConfigDiffers',
      message: 'x'.repeat(2_000),
      pointers: Array.from({ length: 10_000 }, (_, i) => `/key-${i}`),
    }
    const reported = aComponent('site/main', { status: { runtime: another } })
    const next = standingStatus(reported, { unresolved: [], heldBack: [], dependents: 0, drift }, noon)
    assertStorable('Component', next)
    const { count, differs } = JSON.parse(next.history?.at(-1)?.attrs ?? '{}')
    assert.equal(count, 10_000)
    assert.ok(differs.length > 10)
  })
})

describe('core/component/standing: reports', () => {
  it('are told of by state, names and time, without values', () => {
    const outputs = { url: 'https://hush', arn: 'hush' }
    const observedAt = at(noon + 1_000)
    const [component] = afterReports({ outputs, runtime: { state: 'running', config: { size: 'hush' }, observedAt } })
    const [observed] = component?.status?.history ?? []
    assert.equal(observed?.message, 'reported: state running; outputs arn, url; config')
    assert.deepEqual(JSON.parse(observed?.attrs ?? ''), {
      state: 'running',
      outputs: ['arn', 'url'],
      observedAt,
      drifted: 'True',
      differs: ['/size', '/colour'],
    })
    assert.doesNotMatch(JSON.stringify(observed), /hush/)
  })

  it('that end are told of', () => {
    const [, component] = afterReports({ outputs: { a: 1 } }, { outputs: {}, runtime: {} })
    assert.equal(last(component!).message, 'nothing is reported any more')
    assert.equal(component?.status?.reportHash, undefined)
  })

  it('are the same when nothing but the time, the order or an empty part is another', () => {
    const one = { outputs: { a: 1, b: 2 }, runtime: { state: 'x', config: { c: 1, d: 2 } } }
    const other = { outputs: { b: 2, a: 1 }, runtime: { observedAt: at(noon), config: { d: 2, c: 1 }, state: 'x' } }
    assert.equal(reportHashOf(one), reportHashOf(other))
    assert.equal(reportHashOf({ outputs: {}, runtime: { observedAt: at(noon) } }), undefined)
    for (const change of [{ outputs: { a: 1 } }, { runtime: { state: 'y' } }, { runtime: { config: {} } }]) {
      assert.notEqual(reportHashOf({ ...one, ...change }), reportHashOf(one))
    }
  })

  it('settle: what was written stands as it is written again', () => {
    for (const runtime of [{ state: 'running' }, asCommitted, another]) {
      const [component] = afterReports({ runtime, outputs: { a: 1 } })
      const drift = driftOf({ ...component!, faults: [] }, nowhere)
      const next = standingStatus(component!, { unresolved: [], heldBack: [], dependents: 2, drift }, noon + 60_000)
      assert.ok(standsAsBefore(component?.status, next))
      assert.deepEqual(next.history, component?.status?.history)
      assert.ok(!standsAsBefore(component?.status, { ...next, dependents: 3 }))
      assert.ok(!standsAsBefore(component?.status, { ...next, reportHash: 'sha256:0' }))
      assert.ok(!standsAsBefore(component?.status, { ...next, conditions: next.conditions?.slice(1) ?? [] }))
    }
  })
})

describe('core/component/standing: blocked', () => {
  const held = [{ reason: 'Cycle' as const, message: 'it leads back' }]
  const waits = [{ verdict: 'Queue' as const, reason: 'OutputsUnavailable' as const, message: 'not reported yet' }]
  const lookedAt = (looks: readonly (typeof held | typeof waits)[]): string[] => {
    let component = aComponent('site/main', { committed: false })
    for (const heldBack of looks) {
      const status = standingStatus(component, { unresolved: [], heldBack, dependents: 0 }, noon)
      component = aComponent('site/main', { committed: false, status })
    }
    return (component.status?.history ?? []).map(({ type, reason }) => `${type} ${reason}`)
  }
  const table: readonly [title: string, looks: Parameters<typeof lookedAt>[0], told: string[]][] = [
    ['held back: told once', [held, held], ['component.blocked Cycle']],
    ['it only waits: nothing to tell, the first time too', [waits, waits], []],
    ['it waits, and is held back then', [waits, held], ['component.blocked Cycle']],
    [
      'held back, and again after it waited',
      [held, waits, held],
      ['component.blocked Cycle', 'component.blocked Cycle'],
    ],
  ]
  for (const [title, looks, told] of table) it(title, () => assert.deepEqual(lookedAt(looks), told))
})
