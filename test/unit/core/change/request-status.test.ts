import assert from 'node:assert/strict'
import type {
  ChangeRequest,
  ChangeRequestStatus,
  Condition,
  DecidedBy,
  Phase,
} from '../../../../operator/api/kinds.generated.ts'
import { cut } from '../../../../operator/api/text.ts'
import { nextStep, type Step } from '../../../../operator/core/change/life.ts'
import { type Plan, planChange } from '../../../../operator/core/change/plan.ts'
import {
  finished,
  stopped,
  takenBack,
  waitsAsBefore,
  writtenAhead,
} from '../../../../operator/core/change/request-status.ts'
import { conditionsOf } from '../../../../operator/core/change/status.ts'
import { eventOf } from '../../../../operator/core/event/envelope.ts'
import type { Impact } from '../../../../operator/core/graph/impact.ts'
import type { World } from '../../../../operator/core/guard/facts.ts'
import { aChangeRequest, aComponent, at, aWorld, noon } from '../../../support/builders.ts'
import { assertStorable } from '../../../support/storable.ts'

type Stop = Exclude<Step, { to: 'Stay' | 'Pass' }>

const site = aComponent('site/main', { config: { size: 1, tags: { a: 'x' } } })
const world = aWorld({ components: [site], version: 4 })

const planIn = (request: ChangeRequest, inWorld: World): Plan => {
  const plan = planChange(request, inWorld)
  assert.ok(plan.ok)
  return plan.value
}
const queued = (message = 'not yet'): Stop => ({
  to: 'Queued',
  blockedBy: [{ reason: 'OutputsUnavailable', object: 'bucket/b', message }],
  plan: planIn(aChangeRequest(), world),
})
const awaiting: Step & { to: 'AwaitingApproval' } = {
  to: 'AwaitingApproval',
  message: 'somebody else has to agree',
  blockedBy: [{ reason: 'ApprovalRequired', object: 'site/main', message: 'somebody else has to' }],
  plan: planIn(aChangeRequest(), world),
}
const yes: DecidedBy = { name: 'yes', uid: 'uid-yes', decision: 'Approve', username: 'al' }
const no: DecidedBy = { name: 'no', uid: 'uid-no', decision: 'Deny', username: 'al' }
const stop = (
  request: ChangeRequest,
  step: Stop,
  now = noon,
  inWorld: World | undefined = world,
): ChangeRequestStatus => stopped(request, step, { world: inWorld, environment: 'dev', position: 3, now })
const ahead = (
  request: ChangeRequest,
  now = noon,
  inWorld = world,
  approvals: readonly DecidedBy[] = [],
): ChangeRequestStatus =>
  writtenAhead(request, {
    approvals,
    plan: planIn(request, inWorld),
    world: inWorld,
    writeAhead: { claim: '7', holder: 'pod_1', version: 5 },
    now,
  })
const next = (request: ChangeRequest, status: ChangeRequestStatus): ChangeRequest => ({ ...request, status })

const answers = ({ conditions = [] }: ChangeRequestStatus): string =>
  conditions.map(({ type, status }) => `${type}=${status}`).join(' ')
const types = ({ history = [] }: ChangeRequestStatus): string[] => history.map(({ type }) => type)

describe('core/change/status: conditions', () => {
  /** Succeeded, Finished, Reconciling, Stalled: the table of the design. */
  const table: Readonly<Record<Phase, string>> = {
    Pending: 'Unknown False True False',
    Queued: 'Unknown False True False',
    AwaitingApproval: 'Unknown False True False',
    Applying: 'Unknown False True False',
    Applied: 'True True False False',
    Planned: 'True True False False',
    Cancelled: 'False True False False',
    Superseded: 'False True False False',
    Expired: 'False True False False',
    Rejected: 'False True False True',
  }
  const why = { reason: 'Because', message: 'of this' }
  const conditions = (phase: Phase, previous?: readonly Condition[], now = noon): Condition[] =>
    conditionsOf(phase, why, { previous, generation: 2, at: at(now) })

  for (const [phase, expected] of Object.entries(table)) {
    it(`of ${phase} are ${expected}`, () => {
      const found = conditions(phase as Phase)
      assert.deepEqual(
        found.map(({ type, status }) => [type, status]),
        expected.split(' ').map((status, i) => [['Succeeded', 'Finished', 'Reconciling', 'Stalled'][i], status]),
      )
      for (const condition of found) {
        assert.deepEqual(
          [condition.reason, condition.message, condition.observedGeneration, condition.lastTransitionTime],
          ['Because', 'of this', 2, at(noon)],
        )
      }
    })
  }

  it('move their time when their answer does, and only then', () => {
    for (const [from, before] of Object.entries(table)) {
      for (const [to, after] of Object.entries(table)) {
        const moved = conditions(to as Phase, conditions(from as Phase), noon + 5_000)
        const expected = after
          .split(' ')
          .map((answer, i) => (answer === before.split(' ')[i] ? at(noon) : at(noon + 5_000)))
        assert.deepEqual(
          moved.map(({ lastTransitionTime }) => lastTransitionTime),
          expected,
          `${from} -> ${to}`,
        )
      }
    }
  })
})

describe('core/change/request-status', () => {
  it('tells every step of a life, numbers without a gap', () => {
    let request: ChangeRequest = aChangeRequest()
    const steps: [status: (request: ChangeRequest) => ChangeRequestStatus, phase: Phase, told: string[]][] = [
      [(r) => stop(r, queued(), noon), 'Queued', ['change.requested', 'change.queued']],
      [(r) => stop(r, queued('still not'), noon + 1), 'Queued', ['change.queued']],
      [(r) => ahead(r, noon + 2), 'Applying', ['change.planned', 'change.applying']],
      [(r) => takenBack(r, noon + 3), 'Pending', ['change.withdrawn']],
      [(r) => ahead(r, noon + 4), 'Applying', ['change.planned', 'change.applying']],
      [(r) => finished(r, { version: 6, now: noon + 5 }), 'Applied', ['change.applied']],
    ]
    const told: string[] = []
    for (const [step, phase, expected] of steps) {
      const status = step(request)
      told.push(...expected)
      assert.deepEqual([status.phase, types(status)], [phase, told])
      assert.deepEqual(
        status.history?.map(({ seq }) => seq),
        told.map((_, i) => i + 1),
      )
      assert.equal(status.seq, told.length)
      assertStorable('ChangeRequest', status)
      for (const entry of status.history ?? []) assert.ok(eventOf(request, entry).ok)
      request = next(request, status)
    }
  })

  const plan = planIn(aChangeRequest(), world)
  const reject = { to: 'Rejected', reason: 'GuardFailed', message: 'no', plan } as const
  const ends: [step: Stop, type: string, reason: string, message: string][] = [
    [reject, 'change.rejected', 'GuardFailed', 'no'],
    [{ to: 'Cancelled', reason: 'Cancelled', message: 'taken back' }, 'change.cancelled', 'Cancelled', 'taken back'],
    [{ to: 'Planned', plan }, 'change.planned', 'Planned', 'the change would be applied, affecting 0 Components'],
    [
      { to: 'Applied', reason: 'Unchanged', message: 'site/main is committed like this already', plan },
      'change.applied',
      'Unchanged',
      'site/main is committed like this already',
    ],
  ]
  for (const [step, type, reason, message] of ends) {
    it(`${step.to} is told as ${type}, and leaves nothing that waits`, () => {
      const request = next(aChangeRequest(), stop(aChangeRequest(), queued()))
      const status = stop(request, step, noon + 9)
      const last = status.history?.at(-1)
      assert.deepEqual([status.phase, last?.type, last?.reason, last?.message], [step.to, type, reason, message])
      assert.deepEqual([status.queue, status.blockedBy, status.writeAhead], [undefined, undefined, undefined])
      assert.deepEqual([status.conditions?.[0]?.reason, status.conditions?.[0]?.message], [reason, message])
      assertStorable('ChangeRequest', status)
    })
  }

  it('queued says what for, since when and where', () => {
    const first = stop(aChangeRequest(), queued())
    assert.deepEqual(first.queue, { position: 3, since: at(noon) })
    assert.deepEqual(first.blockedBy, [{ reason: 'OutputsUnavailable', object: 'bucket/b', message: 'not yet' }])
    assert.equal(answers(first), 'Succeeded=Unknown Finished=False Reconciling=True Stalled=False')
    assert.equal(first.environment, 'dev')
    const again = stop(next(aChangeRequest(), first), queued('changed'), noon + 60_000)
    assert.deepEqual(again.queue, { position: 3, since: at(noon) })
    assert.equal(again.conditions?.[0]?.lastTransitionTime, at(noon))
    assert.equal(again.conditions?.[0]?.message, 'changed')
  })

  it('awaiting an approval says whose, and stands in no queue', () => {
    const request = next(aChangeRequest(), stop(aChangeRequest(), queued()))
    const status = stop(request, awaiting, noon + 1)
    assert.deepEqual(
      [status.phase, status.blockedBy, status.queue],
      ['AwaitingApproval', awaiting.blockedBy, undefined],
    )
    const [, , last] = status.history ?? []
    assert.deepEqual(
      [last?.type, last?.reason, last?.message],
      ['change.awaiting-approval', 'ApprovalRequired', 'somebody else has to agree'],
    )
    const { hash, blockedBy } = JSON.parse(last?.attrs ?? '')
    assert.deepEqual([hash, blockedBy], [awaiting.plan.hash, [{ reason: 'ApprovalRequired', object: 'site/main' }]])
    assert.equal(answers(status), 'Succeeded=Unknown Finished=False Reconciling=True Stalled=False')
    assertStorable('ChangeRequest', status)
    const waits = next(request, status)
    assert.ok(waitsAsBefore(waits, awaiting))
    assert.ok(!waitsAsBefore(waits, queued()))
    assert.ok(!waitsAsBefore(request, awaiting))
    const otherPlan = planIn(aChangeRequest({ proposedChange: { size: 9 } }), world)
    assert.ok(!waitsAsBefore(waits, { ...awaiting, plan: otherPlan }))
  })

  it('approved is told when it goes on, with those who agreed', () => {
    const request = next(aChangeRequest(), stop(aChangeRequest(), awaiting))
    const status = ahead(request, noon + 1, world, [yes])
    assert.deepEqual(types(status), [
      ...['change.requested', 'change.awaiting-approval'],
      ...['change.planned', 'change.approved', 'change.applying'],
    ])
    const approved = status.history?.at(-2)
    assert.deepEqual([approved?.reason, approved?.message], ['Approved', 'approved by al (ChangeApproval yes)'])
    assert.deepEqual(JSON.parse(approved?.attrs ?? ''), {
      environment: 'dev',
      hash: awaiting.plan.hash,
      approvals: [{ ...yes }],
    })
    assert.deepEqual([status.approvals, status.blockedBy], [[yes], undefined])
    assert.deepEqual(finished(next(request, status), { version: 5, now: noon + 2 }).approvals, [yes])
    // Begun again it is judged again.
    assert.equal(takenBack(next(request, status), noon + 2).approvals, undefined)
  })

  it('denied is told before it is rejected, with those who were against it', () => {
    const step = { to: 'Rejected', reason: 'Denied', message: 'al denied it', plan: awaiting.plan } as const
    const status = stop(aChangeRequest(), { ...step, approvals: [no] })
    assert.deepEqual(types(status), ['change.requested', 'change.denied', 'change.rejected'])
    const [, denied, rejected] = status.history ?? []
    for (const told of [denied, rejected]) assert.deepEqual([told?.reason, told?.message], ['Denied', 'al denied it'])
    assert.deepEqual(JSON.parse(denied?.attrs ?? '').approvals, [{ ...no }])
    assert.deepEqual([status.phase, status.approvals], ['Rejected', [no]])
    assertStorable('ChangeRequest', status)
  })

  it('only planned says that it would need an approval', () => {
    const guard = (verdict: 'RequireApproval' | 'Queue', message: string) => ({
      name: verdict,
      expression: 'false',
      verdict,
      message,
    })
    const said = (...guards: ReturnType<typeof guard>[]) => {
      const inWorld = aWorld({ components: [site], environment: { guards } })
      const step = { to: 'Planned', plan: planIn(aChangeRequest(), inWorld) } as const
      return stop(aChangeRequest(), step, noon, inWorld).conditions?.[0]?.message ?? ''
    }
    const asks = guard('RequireApproval', 'two of us')
    assert.match(
      said(asks),
      /^the change would need an approval, affecting 0 Components; Component site\/main: two of us/,
    )
    assert.match(said(asks, guard('Queue', 'later')), /^the change would wait and would need an approval, affecting/)
  })

  it('waits as before when it would say the same', () => {
    const first = next(aChangeRequest(), stop(aChangeRequest(), queued()))
    const other = planIn(aChangeRequest({ proposedChange: { size: 9 } }), world)
    assert.ok(waitsAsBefore(first, queued()))
    assert.ok(!waitsAsBefore(first, queued('other')))
    assert.ok(!waitsAsBefore(first, { ...queued(), plan: other } as Stop))
    assert.ok(!waitsAsBefore(first, reject))
    assert.ok(!waitsAsBefore(aChangeRequest(), queued()))
  })

  it('written ahead has all that anybody needs to carry it on', () => {
    const request = aChangeRequest({ proposedChange: { size: 2, tags: { b: 'y' } } })
    const status = ahead(next(request, stop(request, queued())))
    assert.deepEqual(status.writeAhead, {
      claim: '7',
      holder: 'pod_1',
      version: 5,
    })
    assert.deepEqual(status.images, [
      {
        component: 'site/main',
        uid: 'uid-site.main',
        before: '{"config":{"size":1,"tags":{"b":null}}}',
        after: '{"config":{"size":2,"tags":{"b":"y"}}}',
      },
    ])
    assert.deepEqual([status.queue, status.blockedBy], [undefined, undefined])
    assert.equal(status.plan?.hash, planIn(request, world).hash)
    const back = takenBack(next(request, status), noon + 1)
    assert.deepEqual([back.writeAhead, back.images, back.plan?.hash], [undefined, undefined, status.plan?.hash])
  })

  it('finished names its event in the ledger', () => {
    const request = next(aChangeRequest(), ahead(aChangeRequest()))
    const status = finished(request, { version: 5, now: noon + 1 })
    const event = eventOf(request, status.history!.at(-1)!)
    assert.ok(event.ok)
    assert.equal(status.logEntryId, `log-${event.value.id.slice(0, 7)}`)
    assert.equal(answers(status), 'Succeeded=True Finished=True Reconciling=False Stalled=False')
    assert.equal(status.conditions?.[0]?.message, 'applied as version 5 of environment dev, affecting 0 Components')
  })

  it('a warning goes when the next plan has none', () => {
    const guards = [{ name: 'g', expression: 'false', verdict: 'Warn' as const, message: 'careful' }]
    const warning = aWorld({ components: [site], types: { site: { guards } } })
    const request = aChangeRequest()
    const step = { ...queued(), plan: planIn(request, warning) } as Stop
    const warned = stop(request, step, noon, warning)
    assert.match(warned.warnings?.join() ?? '', /^Component site\/main: careful/)
    const cancelled = stop(next(request, warned), { to: 'Cancelled', reason: 'Cancelled', message: '' })
    assert.deepEqual(cancelled.warnings, warned.warnings)
    assert.equal(stop(next(request, warned), queued()).warnings, undefined)
    assert.equal(ahead(next(request, warned)).warnings, undefined)
  })

  it('stops without knowing its environment', () => {
    const step = { to: 'Rejected', reason: 'UnknownComponent', message: 'none' } as const
    const status = stopped(aChangeRequest(), step, { position: 1, now: noon })
    assert.equal(status.environment, undefined)
    assertStorable('ChangeRequest', status)
  })
})

describe('core/change/request-status: the largest that may be', () => {
  const name = (prefix: string, i: number): string => `${prefix}-${i}`.padEnd(189, 'x')
  const long = (letter: string): string => letter.repeat(1024)
  /** 30 KiB, which become 60 as a before-image: each quote in it is stored as \\\\\\" */
  const config = { text: '"'.repeat(15_000), list: ['v'] }
  const id = `site/${name('n', 0)}`
  /** 100,000 affected, of which these are the nearest */
  const count = 100_000
  const reached = Array.from({ length: 100 }, (_, i) => ({ id: `dev/${'t'.repeat(60)}/${name('c', i)}`, distance: 1 }))
  const impact = { reached, count, nearest: (limit: number) => reached.slice(0, limit) } as unknown as Impact

  for (const letter of ['m', '"', '鯨', '\u0001', '🐋']) {
    it(`stays under 128 KiB when every text is of ${JSON.stringify(letter)}`, () => {
      const guards = Array.from({ length: 32 }, (_, i) => ({
        name: `guard-${i}`.padEnd(63, 'g'),
        expression: 'false',
        verdict: i % 2 === 0 ? ('Queue' as const) : ('Warn' as const),
        message: `${i} ${long(letter)}`,
      }))
      const references = [{ name: 'b', component: 'bucket/b', outputs: ['never'] }]
      const metadata = { uid: '0123456789abcdef0123456789abcdef0123' }
      const components = [aComponent('bucket/b'), aComponent(id, { config, references, metadata })]
      const large = {
        ...aWorld({ components, types: { site: { guards } }, environment: { guards } }),
        impact: () => impact,
      }
      const asked = aChangeRequest({ component: id, proposedChange: { list: [1], text: '' } })
      const planned = planChange(asked, large)
      const named = { present: [], missing: [], absent: [], environments: [], applied: false }
      const step = nextStep({ request: asked, planned, named, world: large, now: noon })
      assert.ok(step.to === 'Queued' && planned.ok)
      let request: ChangeRequest = asked
      // What holds it changes again and again, and it is said each time.
      for (let i = 0; i < 40; i++) request = next(request, stop(request, step, noon + i, large))
      assertStorable('ChangeRequest', request.status!)
      assert.deepEqual([request.status?.affectedCount, request.status?.affectedComponents?.length], [count, 48])
      const by = {
        name: 'a'.repeat(253),
        uid: metadata.uid,
        decision: 'Approve',
        username: cut(long(letter), 253),
      } as const
      const approvals = Array.from({ length: 4 }, () => by)
      const known = {
        plan: planned.value,
        approvals,
        world: large,
        writeAhead: { claim: '7', holder: 'h'.repeat(253), version: 5 },
      }
      request = next(request, writtenAhead(request, { ...known, now: noon + 50 }))
      assertStorable('ChangeRequest', request.status!)
      const bytes = Buffer.byteLength(JSON.stringify(request.status))
      assert.ok(bytes > 100_000, `a status of ${bytes} bytes is not the largest`)
      assertStorable('ChangeRequest', finished(request, { version: 5, now: noon + 51 }))
      assertStorable('ChangeRequest', takenBack(request, noon + 52))
    })
  }

  it('stays under 128 KiB with a thousand verdicts and a message without end', () => {
    const verdicts = Array.from({ length: 1_000 }, (_, i) => ({
      guard: 'g',
      verdict: 'Reject' as const,
      reason: 'GuardFailed' as const,
      object: `site/${name('n', i)}`,
      message: `${i}${'鯨'.repeat(3_000)}`,
    }))
    const request = aChangeRequest()
    const plan = { ...planIn(request, world), verdicts, warnings: verdicts.map(({ message }) => message) }
    const step = {
      to: 'Rejected',
      reason: 'GuardFailed',
      message: verdicts.map(({ message }) => message).join('; '),
      plan,
    } as const
    const status = stop(request, step)
    assertStorable('ChangeRequest', status)
    assert.equal(status.plan?.verdicts?.length, 16)
  })
})
