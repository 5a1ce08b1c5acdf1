import assert from 'node:assert/strict'
import type { Applying, Environment, EnvironmentStatus } from '../../../../operator/api/kinds.generated.ts'
import type { Failure } from '../../../../operator/api/result.ts'
import { bounds } from '../../../../operator/core/change/bounds.ts'
import { eventOf } from '../../../../operator/core/event/envelope.ts'
import { claimed, cleared, prepared, published, tended } from '../../../../operator/core/lock/claim.ts'
import { anEnvironment, at, noon } from '../../../support/builders.ts'
import { assertStorable } from '../../../support/storable.ts'

const next = (environment: Environment, status: EnvironmentStatus): Environment => ({ ...environment, status })
const applying = (kind: Applying['kind'], name: string): Applying => ({
  kind,
  name,
  uid: `uid-${name}`,
  ...(kind === 'Creation' && { hash: 'sha256:1' }),
})
const told = ({ history = [] }: EnvironmentStatus): string[] =>
  history.map(({ seq, type, message, attrs }) => `${seq} ${type}: ${message} ${attrs}`)
const publish = (environment: Environment, list: readonly Applying[], version = 5): EnvironmentStatus =>
  published(environment, { holder: 'pod_1', version, applying: list, highest: '99', now: noon })

const guardError = (message: string): Failure => ({ reason: 'GuardError', message, retry: false })

describe('core/lock/claim', () => {
  it('tells a whole turn, numbers without a gap', () => {
    let environment = anEnvironment({}, { version: 4, committedResourceVersion: '50' })
    const steps = [
      (e: Environment) => claimed(e, 'pod_1', noon),
      (e: Environment) => publish(e, [applying('ChangeRequest', 'a')]),
      (e: Environment) =>
        publish(e, [applying('Creation', 'x.y'), applying('Creation', 'x.z'), applying('Removal', 'x.w')], 6),
      (e: Environment) => cleared(e, { highest: '120', queued: 3, now: noon }),
    ]
    for (const step of steps) {
      environment = next(environment, step(environment))
      assertStorable('Environment', environment.status!)
    }
    assert.deepEqual(told(environment.status!), [
      '1 environment.locked: by pod_1 {"holder":"pod_1","version":4}',
      '2 graph.published: version 5 {"version":5,"holder":"pod_1","change":"uid-a","changes":1,"creations":0,"removals":0,"names":["a"]}',
      '3 graph.published: version 6 {"version":6,"holder":"pod_1","changes":0,"creations":2,"removals":1,"names":["x.y","x.z","x.w"]}',
      '4 environment.released: by pod_1 {"holder":"pod_1","version":6}',
    ])
    const { history: _, conditions: __, ...rest } = environment.status!
    assert.deepEqual(rest, {
      version: 6,
      applying: [],
      committedResourceVersion: '120',
      queued: 3,
      seq: 4,
      observedGeneration: 1,
    })
    for (const entry of environment.status?.history ?? []) assert.ok(eventOf(environment, entry).ok)
  })

  it('what is prepared stays with the version as it was, until it is published or cleared away', () => {
    const what = { name: 'a', uid: 'uid-a', claim: '60' }
    const before = publish(anEnvironment(), [applying('ChangeRequest', 'b')])
    const waiting = prepared(next(anEnvironment(), before), {
      prepared: what,
      holder: 'pod_2',
      highest: '120',
      now: noon,
    })
    assertStorable('Environment', waiting)
    const { version, applying: list, prepared: stands, lockedBy, committedResourceVersion } = waiting
    assert.deepEqual([version, list, stands, lockedBy, committedResourceVersion], [5, [], what, 'pod_2', '120'])
    assert.deepEqual(told(waiting), told(before))
    const environment = next(anEnvironment(), waiting)
    assert.deepEqual(claimed(environment, 'pod_3', noon).prepared, what)
    const list6 = [applying('ChangeRequest', 'a')]
    const after = publish(environment, list6, 6)
    assertStorable('Environment', after)
    assert.deepEqual([after.prepared, after.version, after.applying], [undefined, 6, list6])
    assert.equal(cleared(environment, { highest: '120', queued: 0, now: noon }).prepared, undefined)
  })

  it('a claim leaves what is decided as it is', () => {
    const before = publish(anEnvironment(), [applying('ChangeRequest', 'a')])
    const status = claimed(next(anEnvironment(), before), 'pod_2', noon)
    assert.deepEqual(
      [status.lockedBy, status.version, status.applying, status.committedResourceVersion],
      ['pod_2', 5, before.applying, '99'],
    )
  })

  it('a publish replaces what was decided before', () => {
    const before = next(anEnvironment(), publish(anEnvironment(), [applying('ChangeRequest', 'a')]))
    assert.deepEqual(publish(before, [applying('ChangeRequest', 'b')], 6).applying, [applying('ChangeRequest', 'b')])
  })

  it('changes of several requests belong to no single one', () => {
    const list = [applying('ChangeRequest', 'a'), applying('ChangeRequest', 'b')]
    assert.doesNotMatch(publish(anEnvironment(), list).history?.[0]?.attrs ?? '', /"change":/)
    assert.doesNotMatch(publish(anEnvironment(), [applying('Creation', 'a')]).history?.[0]?.attrs ?? '', /"change":/)
  })

  it('what nobody held is released without a word', () => {
    const status = cleared(anEnvironment({}, { version: 4, seq: 7, history: [] }), {
      highest: '1',
      queued: 0,
      now: noon,
    })
    assert.deepEqual([status.seq, status.history, status.lockedBy], [7, [], undefined])
  })

  it('is tended: how many wait, and whether its events are out', () => {
    const tend = (environment: Environment, queued: number, delayed: string | undefined, now: number) =>
      tended(environment, { queued, faults: [], delayed, now })
    const quiet = tend(anEnvironment(), 2, undefined, noon)
    const late = tend(next(anEnvironment(), quiet), 2, 'bus is away', noon + 5_000)
    const again = tend(next(anEnvironment(), late), 0, 'bus is still away', noon + 9_000)
    const line = ({ queued, conditions = [] }: EnvironmentStatus) =>
      `${queued} ${conditions.map((c) => `${c.type}=${c.status}:${c.reason}:${c.message}@${Date.parse(c.lastTransitionTime) - noon}`)}`
    assert.deepEqual([quiet, late, again].map(line), [
      '2 Ready=True:Ready:changes may pass@0,EventsPublished=True:EventsPublished:every event is on the bus@0',
      '2 Ready=True:Ready:changes may pass@0,EventsPublished=False:EventsDelayed:bus is away@5000',
      '0 Ready=True:Ready:changes may pass@0,EventsPublished=False:EventsDelayed:bus is still away@5000',
    ])
    for (const status of [quiet, late, again]) assertStorable('Environment', status)
    assert.equal(quiet.seq, undefined, 'nothing has happened')
    assert.equal(late.conditions?.[0]?.observedGeneration, 1)
    assert.equal(quiet.conditions?.[1]?.lastTransitionTime, at(noon))
  })

  it('is not Ready while a guard of it cannot be asked, and says why of each', () => {
    const tend = (environment: Environment, faults: string[], now: number) =>
      tended(environment, { queued: 0, faults: faults.map(guardError), delayed: undefined, now })
    const closed = tend(anEnvironment(), ['guard a is no CEL', 'guard b is no bool', 'guard a is no CEL'], noon)
    const open = tend(next(anEnvironment(), closed), [], noon + 5_000)
    const line = ({ conditions: [ready] = [] }: EnvironmentStatus) =>
      `${ready?.type}=${ready?.status}:${ready?.reason}:${ready?.message}@${Date.parse(ready?.lastTransitionTime ?? '') - noon}`
    assert.deepEqual([closed, open].map(line), [
      'Ready=False:GuardError:guard a is no CEL; guard b is no bool@0',
      'Ready=True:Ready:changes may pass@5000',
    ])
  })

  it('stays under 128 KiB with the largest batch, again and again', () => {
    const holder = 'h'.repeat(253)
    const longest = Math.floor(bounds.applyingBytes / (96 + 253 + 71))
    const batches = [
      Array.from(
        { length: longest },
        (_, i): Applying => ({
          kind: 'Creation',
          name: `${i}`.padEnd(253, 'n'),
          uid: 'u'.repeat(36),
          hash: `sha256:${'0'.repeat(64)}`,
        }),
      ),
      Array.from({ length: 496 }, (_, i): Applying => ({ kind: 'ChangeRequest', name: `${i}`, uid: 'u'.repeat(36) })),
    ]
    for (const batch of batches) {
      let environment = anEnvironment()
      for (let version = 2; version < 42; version++) {
        environment = next(environment, claimed(environment, holder, noon))
        environment = next(
          environment,
          published(environment, { holder, version, applying: batch, highest: '9'.repeat(19), now: noon }),
        )
        assertStorable('Environment', environment.status!)
        if (version < 41)
          environment = next(environment, cleared(environment, { highest: '1', queued: 9_999, now: noon }))
      }
      const faults = Array.from({ length: 32 }, (_, i) => guardError(`${i} ${'鯨'.repeat(1_000)}`))
      const status = tended(environment, { queued: 100_000, faults, delayed: '鯨'.repeat(5_000), now: noon })
      assertStorable('Environment', status)
      assert.equal(status.seq, 40 + 40 + 39)
    }
  })
})
