import assert from 'node:assert/strict'
import type {
  ChangeRequestStatus,
  Component,
  Guard,
  JsonObject,
  Phase,
} from '../../../../operator/api/kinds.generated.ts'
import { isOpen, type LifeFacts, nextStep, type Step } from '../../../../operator/core/change/life.ts'
import { namedBy } from '../../../../operator/core/change/named.ts'
import { planChange } from '../../../../operator/core/change/plan.ts'
import { idOf } from '../../../../operator/core/component/identity.ts'
import { hashOf } from '../../../../operator/core/component/wanted.ts'
import type { World } from '../../../../operator/core/guard/facts.ts'
import { aChangeRequest, aComponent, anApproval, aWorld, noon } from '../../../support/builders.ts'

type Request = Parameters<typeof aChangeRequest>[0]

const site = aComponent('site/main', { config: { size: 1 } })
const cdn = aComponent('cdn/c', { references: [{ name: 'site', component: 'site/main' }] })
const inFlight = [{ object: 'changerequest/other', affected: new Set(['dev/site/main']) }]

const worldWith = (guards: readonly Partial<Guard>[] = [], rest: Parameters<typeof aWorld>[0] = {}): World =>
  aWorld({
    components: [site, cdn],
    types: { site: { guards: guards.map((guard, i) => ({ name: `g${i}`, expression: 'false', ...guard })) } },
    ...rest,
  })
const rejects: Partial<Guard> = { message: 'never' }
const holds: Partial<Guard> = { verdict: 'Queue', message: 'later' }
const warns: Partial<Guard> = { verdict: 'Warn', message: 'careful' }
const asks: Partial<Guard> = { verdict: 'RequireApproval', message: 'two of us' }

/** The facts about a request whose Component is there. */
const facts = (request: Request = {}, world: World = worldWith(), more: Partial<LifeFacts> = {}): LifeFacts => {
  const parsed = aChangeRequest(request)
  const named = namedBy(parsed, { component: () => undefined, changeRequest: world.changeRequest })
  const all = { ...named, present: [site], missing: [] }
  return { request: parsed, planned: planChange(parsed, world), named: all, world, now: noon, ...more }
}
/** Without a plan: those it asks for are not there, but for `present`. */
const unplanned = (request: Request, present: readonly Component[] = [], world?: World): LifeFacts => {
  const parsed = aChangeRequest(request)
  const component = (id: string): Component | undefined => present.find((one) => idOf(one) === id)
  const named = namedBy(parsed, { component, changeRequest: () => undefined })
  return { request: parsed, planned: undefined, named, world, now: noon }
}
/** The same, when these were given for the plan that the request has. */
const decided = (
  given: readonly Parameters<typeof anApproval>[1][],
  request: Request = {},
  world: World = worldWith([asks]),
  more: Partial<LifeFacts> = {},
): LifeFacts => {
  const known = facts(request, world, more)
  const hash = known.planned?.ok ? known.planned.value.hash : ''
  return { ...known, approvals: given.map((one) => anApproval(hash, one)), now: noon + 1 }
}
const inPhase = (phase: Phase): { status: ChangeRequestStatus } => ({ status: { phase } })
const deleted = { metadata: { deletionTimestamp: new Date(noon).toISOString() } }
const waiting = [aComponent('site/main', { committed: false })]

const guardSaid = (i: number, word: string, expression = 'false'): string =>
  `Component site/main: ${word} (guard g${i} of ComponentType site: expected ${expression}, found false)`

/** A step as one line: where to, why, and whether it has the plan. */
const lineOf = (step: Step): string => {
  const reason = 'reason' in step ? ` ${step.reason}` : ''
  const message = 'message' in step ? `: ${step.message}` : ''
  const blockedBy =
    'blockedBy' in step ? ` by ${step.blockedBy.map(({ reason: why, object }) => `${why} ${object}`)}` : ''
  const by = 'approvals' in step && step.approvals ? ` (${step.approvals.map(({ name }) => name)})` : ''
  return `${step.to}${reason}${blockedBy}${message}${'plan' in step && step.plan ? ' (planned)' : ''}${by}`
}

const asking = (world: World, found = 'no approval', request: Request = {}): string => {
  const { planned } = facts(request, world)
  const hash = planned?.ok ? planned.value.hash : ''
  return `somebody other than jo has to agree: kubectl karma approve wish -n dev --hash ${hash}; found ${found}`
}
const awaits = (found?: string): string =>
  `AwaitingApproval by ApprovalRequired site/main: ${asking(worldWith([asks]), found)}; ${guardSaid(0, 'two of us')} (planned)`
const no = { name: 'no', decision: 'Deny', by: 'al', reason: 'too late' } as const
const deniedBy = (hash: string, name = 'no'): string =>
  `Rejected Denied: ChangeRequest wish: al denied plan ${hash} (ChangeApproval ${name}): too late (planned) (${name})`
const hashIn = (world: World, request: Request = {}): string => {
  const { planned } = facts(request, world)
  return planned?.ok ? planned.value.hash : ''
}

const hashOfPlan = (): string => {
  const { planned } = facts({ planHash: 'sha256:0' })
  return planned?.ok ? planned.value.hash : ''
}
const until = (queueDeadlineSeconds: number) => ({
  queueDeadlineSeconds,
  metadata: { creationTimestamp: new Date(noon).toISOString() },
})
/** An edit of `site/main`, whose spec has this config by now. */
const edit = (wantedHash: string, config: JsonObject = { size: 9 }): LifeFacts => {
  const edited = { ...site, spec: { ...site.spec, config } }
  const world = aWorld({ components: [edited, cdn] })
  const all = facts({ origin: 'Edit', wantedHash, proposedChange: undefined as never }, world)
  return { ...all, named: { ...all.named, present: [edited] } }
}

type Row = readonly [title: string, facts: () => LifeFacts, expected: string]

const ends: readonly Row[] = (
  ['Applied', 'Planned', 'Rejected', 'Cancelled', 'Expired', 'Superseded'] as const
).flatMap((phase): Row[] => [
  [`${phase} is an end`, () => facts(inPhase(phase)), 'Stay'],
  [`${phase} is an end, also when it is cancelled`, () => facts({ ...inPhase(phase), cancel: true }), 'Stay'],
  [`${phase} is an end, also when it is deleted`, () => facts({ ...inPhase(phase), ...deleted }), 'Stay'],
])

const table: readonly Row[] = [
  ...ends,
  ['Applying passes', () => unplanned(inPhase('Applying')), 'Pass'],
  [
    'Applying passes, whatever is wanted now',
    () => facts({ ...inPhase('Applying'), ...deleted, cancel: true }),
    'Pass',
  ],
  ['Applying passes, whatever a guard says', () => facts(inPhase('Applying'), worldWith([rejects])), 'Pass'],

  [
    'cancel, before anything else',
    () => facts({ cancel: true, proposedChange: { a: null as never } }),
    'Cancelled Cancelled: spec.cancel was set before the change was applied',
  ],
  [
    'cancel of one that is queued',
    () => facts({ ...inPhase('Queued'), cancel: true }),
    'Cancelled Cancelled: spec.cancel was set before the change was applied',
  ],
  [
    'deleted',
    () => facts({ ...inPhase('Queued'), ...deleted }),
    'Cancelled Cancelled: the request was deleted before the change was applied',
  ],
  [
    'deleted, though its Component is not there',
    () => unplanned(deleted),
    'Cancelled Cancelled: the request was deleted before the change was applied',
  ],

  [
    'a null',
    () => facts({ proposedChange: { a: { b: null } } as never }),
    'Rejected NullValue: ChangeRequest wish: spec.proposedChange.a.b: expected a value (to take a key away, leave it out, or name it in spec.remove of a ChangeRequest), found null',
  ],
  [
    'a reserved key and more',
    () => facts({ proposedChange: JSON.parse('{"__proto__": 1, "n": 1e999}'), remove: ['a'] }),
    'Rejected ReservedKey: ChangeRequest wish: spec.proposedChange.__proto__: expected a key other than __proto__, constructor, prototype, found __proto__; and 2 more, at spec.proposedChange.n, spec.remove[0]',
  ],
  [
    'a whole number too large',
    () => facts({ proposedChange: { n: 2 ** 53 } }),
    'Rejected UnsafeInteger: ChangeRequest wish: spec.proposedChange.n: expected a number within ±(2^53-1) (write a larger one as a string), found 9007199254740992',
  ],
  [
    'a pointer that is none, though there is no such Component',
    () => unplanned({ remove: ['a'] }),
    'Rejected InvalidPointer: ChangeRequest wish: spec.remove[0]: expected a JSON pointer such as /subnets/0 (~ is written ~0, / is written ~1), found "a"',
  ],

  [
    'nothing to change',
    () => facts({ proposedChange: {} }),
    'Rejected EmptyChange: ChangeRequest wish: spec: expected proposedChange, remove, proposedReferences or operation Delete to name a change, found none of them',
  ],
  [
    'nothing to remove either',
    () => unplanned({ remove: [] }),
    'Rejected EmptyChange: ChangeRequest wish: spec: expected proposedChange, remove, proposedReferences or operation Delete to name a change, found none of them',
  ],

  [
    'no such Component',
    () => unplanned({ component: 'site/none' }),
    'Rejected UnknownComponent: ChangeRequest wish: spec.component: expected a Component in namespace dev, found none named site/none',
  ],
  ['a Component that is not committed', () => unplanned({}, waiting), 'Queued by UnknownComponent site/main'],
  [
    'a Component that is not committed, and nobody wants to wait',
    () => unplanned({ onConflict: 'Reject' }, waiting),
    'Rejected UnknownComponent: onConflict is Reject, and it would have to wait: Component site/main: expected to be committed before it is changed, found it is not yet',
  ],
  [
    'nor does the Environment',
    () => unplanned({}, waiting, worldWith([], { environment: { onConflict: 'Reject' } })),
    'Rejected UnknownComponent: onConflict is Reject, and it would have to wait: Component site/main: expected to be committed before it is changed, found it is not yet',
  ],

  [
    'no plan: it is not known at this version',
    () => facts({ component: 'site/none' }),
    'Rejected UnknownComponent: ChangeRequest wish: spec.component: expected a committed Component, found none named site/none',
  ],
  [
    'no plan: no name of a Component',
    () => facts({ component: 'site' }),
    'Rejected UnknownComponent: ChangeRequest wish: component: expected type/nickname or namespace/type/nickname, found "site"',
  ],

  ['overlaps another', () => facts({}, worldWith([], { inFlight })), 'Pass (planned)'],
  [
    'overlaps another, whatever the guards say of now',
    () => facts({}, worldWith([rejects, holds], { inFlight })),
    'Pass (planned)',
  ],
  [
    'overlaps another, and nothing would change now',
    () => facts({ proposedChange: { size: 1 } }, worldWith([], { inFlight }), { underLock: true }),
    'Pass (planned)',
  ],
  [
    'overlaps another, and nobody wants to wait',
    () => facts({ onConflict: 'Reject' }, worldWith([], { inFlight })),
    'Rejected InFlight: onConflict is Reject, and it would have to wait: Component site/main: changerequest/other affects the same Components and has not finished (planned)',
  ],
  [
    'overlaps another, and is only planned',
    () => facts({ mode: 'Plan' }, worldWith([], { inFlight })),
    'Planned (planned)',
  ],

  [
    'a guard rejects',
    () => facts({}, worldWith([rejects])),
    `Rejected GuardFailed: ${guardSaid(0, 'never')} (planned)`,
  ],
  [
    'several guards reject, others wait and warn',
    () => facts({}, worldWith([warns, holds, rejects, { ...rejects, message: 'nor ever' }])),
    `Rejected GuardFailed: ${guardSaid(2, 'never')}; ${guardSaid(3, 'nor ever')} (planned)`,
  ],
  [
    'a guard rejects what is only planned',
    () => facts({ mode: 'Plan' }, worldWith([rejects])),
    `Rejected GuardFailed: ${guardSaid(0, 'never')} (planned)`,
  ],

  ['only planned', () => facts({ mode: 'Plan' }), 'Planned (planned)'],
  [
    'only planned: it would wait',
    () => facts({ mode: 'Plan', onConflict: 'Reject' }, worldWith([holds])),
    'Planned (planned)',
  ],
  [
    'only planned: nothing would change',
    () => facts({ mode: 'Plan', proposedChange: { size: 1 } }),
    'Planned (planned)',
  ],

  ['a guard holds it', () => facts({}, worldWith([holds, warns])), 'Queued by GuardFailed site/main (planned)'],
  [
    'a guard holds it, and nobody wants to wait',
    () => facts({ onConflict: 'Reject' }, worldWith([holds])),
    `Rejected GuardFailed: onConflict is Reject, and it would have to wait: ${guardSaid(0, 'later')} (planned)`,
  ],
  [
    'a guard holds it, and the Environment does not want to wait',
    () => facts({}, worldWith([holds], { environment: { onConflict: 'Reject' } })),
    `Rejected GuardFailed: onConflict is Reject, and it would have to wait: ${guardSaid(0, 'later')} (planned)`,
  ],
  [
    'what the request says comes before what the Environment says',
    () => facts({ onConflict: 'Queue' }, worldWith([holds], { environment: { onConflict: 'Reject' } })),
    'Queued by GuardFailed site/main (planned)',
  ],
  [
    'a guard holds it for others',
    () => facts({}, worldWith([{ ...holds, forEach: 'Dependents' }])),
    'Queued by GuardFailed cdn/c (planned)',
  ],

  ['a guard asks for an approval', () => facts({}, worldWith([asks])), awaits()],
  ['asks, whatever onConflict says', () => decided([], { onConflict: 'Reject' }), awaits()],
  [
    'asks for one over the impact',
    () =>
      facts(
        {},
        worldWith([
          { ...asks, expression: 'impact.count < 1' },
          { ...asks, expression: 'impact.count < 9' },
        ]),
      ),
    `AwaitingApproval by ApprovalRequired site/main: ${asking(
      worldWith([
        { ...asks, expression: 'impact.count < 1' },
        { ...asks, expression: 'impact.count < 9' },
      ]),
    )}; ${guardSaid(0, 'two of us', 'impact.count < 1')} (planned)`,
  ],
  [
    'asks for one in its Environment',
    () => facts({}, worldWith([], { environment: { guards: [{ name: 'g', expression: 'false', ...asks }] } })),
    `AwaitingApproval by ApprovalRequired site/main: ${asking(
      worldWith([], { environment: { guards: [{ name: 'g', expression: 'false', ...asks }] } }),
    )}; Component site/main: two of us (guard g of Environment dev/dev: expected false, found false) (planned)`,
  ],
  [
    'asks for one for each dependent',
    () => facts({}, worldWith([{ ...asks, forEach: 'Dependents' }])),
    `AwaitingApproval by ApprovalRequired cdn/c: ${asking(worldWith([{ ...asks, forEach: 'Dependents' }]))}; Component site/main: two of us (guard g0 of ComponentType site: expected false, found false for cdn/c) (planned)`,
  ],
  ['an approval that counts', () => decided([{}]), 'Pass (planned) (yes)'],
  [
    'an approval that counts, under the lock',
    () => decided([{}], {}, undefined, { underLock: true }),
    'Pass (planned) (yes)',
  ],
  ['two that count', () => decided([{ name: 'b' }, { name: 'a', by: 'em' }]), 'Pass (planned) (a,b)'],
  [
    'one approval is enough for all guards',
    () => decided([{}], {}, worldWith([asks, { ...asks, forEach: 'Dependents' }])),
    'Pass (planned) (yes)',
  ],
  ['an approval that nobody asked for', () => decided([{}], {}, worldWith()), 'Pass (planned) (yes)'],
  ['by the requester', () => decided([{ by: 'jo' }]), awaits('yes, which does not count (SelfApproval)')],
  [
    'by the requester, and by another',
    () => decided([{ by: 'jo' }, { name: 'hers', by: 'em' }]),
    'Pass (planned) (hers)',
  ],
  [
    'of another plan',
    () => decided([{ planHash: `sha256:${'0'.repeat(64)}` }]),
    awaits('yes, which does not count (OtherPlan)'),
  ],
  [
    'whose time is over',
    () => ({
      ...decided([{ validForSeconds: 1 }]),
      now: noon + 1_000,
    }),
    awaits('yes, which does not count (ApprovalExpired)'),
  ],
  ['taken back', () => decided([]), awaits()],
  [
    'a guard asks, and another holds it: it waits for both, and may be approved meanwhile',
    () => facts({}, worldWith([asks, holds])),
    'Queued by GuardFailed site/main,ApprovalRequired site/main (planned)',
  ],
  [
    'approved while another guard holds it',
    () => decided([{}], {}, worldWith([asks, holds])),
    'Queued by GuardFailed site/main (planned)',
  ],
  [
    'a guard asks and another holds it, and nobody wants to wait',
    () => facts({ onConflict: 'Reject' }, worldWith([asks, holds])),
    `Rejected GuardFailed: onConflict is Reject, and it would have to wait: ${guardSaid(1, 'later')} (planned)`,
  ],
  [
    'a guard asks, and another rejects it',
    () => decided([{}], {}, worldWith([asks, rejects])),
    `Rejected GuardFailed: ${guardSaid(1, 'never')} (planned)`,
  ],
  ['denied', () => decided([no]), deniedBy(hashIn(worldWith([asks])))],
  ['denied by one, approved by another', () => decided([{ by: 'em' }, no]), deniedBy(hashIn(worldWith([asks])))],
  ['denied, though nobody asked', () => decided([no], {}, worldWith()), deniedBy(hashIn(worldWith()))],
  [
    'denied while it waits for something else',
    () => decided([no], {}, worldWith([holds])),
    deniedBy(hashIn(worldWith([holds]))),
  ],
  [
    'denied, but another guard rejects it anyway',
    () => decided([no], {}, worldWith([asks, rejects])),
    `Rejected GuardFailed: ${guardSaid(1, 'never')} (planned)`,
  ],
  [
    'denied, by a word about another plan',
    () => decided([{ ...no, planHash: `sha256:${'0'.repeat(64)}` }]),
    awaits('no, which does not count (OtherPlan)'),
  ],
  ['denied, once it is Applying', () => decided([no], inPhase('Applying')), 'Pass'],
  ['denied, once it is Applied', () => decided([no], inPhase('Applied')), 'Stay'],
  [
    'cancelled while it awaits',
    () => decided([], { ...inPhase('AwaitingApproval'), cancel: true }),
    'Cancelled Cancelled: spec.cancel was set before the change was applied',
  ],
  ['only planned: it would need an approval', () => facts({ mode: 'Plan' }, worldWith([asks])), 'Planned (planned)'],
  ['only planned: it would be denied', () => decided([no], { mode: 'Plan' }), deniedBy(hashIn(worldWith([asks])))],
  [
    'overlaps another, and would need an approval: it is judged when that has finished',
    () => facts({}, worldWith([asks], { inFlight })),
    'Pass (planned)',
  ],
  [
    'nothing would change, but a guard asks for an approval',
    () => facts({ proposedChange: { size: 1 } }, worldWith([asks]), { underLock: true }),
    awaits().replace(hashIn(worldWith([asks])), hashIn(worldWith([asks]), { proposedChange: { size: 1 } })),
  ],

  ['nothing would change, but others may come before', () => facts({ proposedChange: { size: 1 } }), 'Pass (planned)'],
  [
    'nothing would change, under the lock',
    () => facts({ proposedChange: { size: 1 } }, worldWith([warns]), { underLock: true }),
    'Applied Unchanged: site/main is committed like this already; nothing was written (planned)',
  ],
  [
    'nothing stands where something was to be removed, under the lock',
    () => facts({ remove: ['/none'] }, worldWith(), { underLock: true }),
    'Applied Unchanged: site/main is committed like this already; nothing was written (planned)',
  ],

  [
    'the plan that was agreed to',
    () => {
      const plan = facts().planned
      return facts({ planHash: plan?.ok ? plan.value.hash : '' })
    },
    'Pass (planned)',
  ],
  [
    'another plan than the one that was agreed to',
    () => facts({ planHash: 'sha256:0' }),
    `Rejected PlanStale: ChangeRequest wish: spec.planHash: expected the plan to be sha256:0, found ${hashOfPlan()}; look at the new plan, and ask again with its hash (planned)`,
  ],
  [
    'another plan, while the one before is on its way',
    () => facts({ planHash: 'sha256:0' }, worldWith([], { inFlight })),
    'Pass (planned)',
  ],

  ['its time has not passed', () => facts(until(1), worldWith(), { now: noon + 999 }), 'Pass (planned)'],
  [
    'its time has passed',
    () => facts(until(1), worldWith(), { now: noon + 1_000 }),
    'Expired Expired: ChangeRequest wish: spec.queueDeadlineSeconds: expected to be applied within 1 s, found that they have passed',
  ],
  [
    'its time has passed while it waited',
    () =>
      facts(
        { ...until(1), status: { phase: 'Queued', blockedBy: [{ reason: 'InFlight', object: 'x', message: '' }] } },
        worldWith(),
        {
          now: noon + 5_000,
        },
      ),
    'Expired Expired: ChangeRequest wish: spec.queueDeadlineSeconds: expected to be applied within 1 s, found that they have passed; it waited for x (InFlight)',
  ],
  [
    'its time has passed, but it is being applied',
    () => facts({ ...until(1), ...inPhase('Applying') }, worldWith(), { now: noon + 5_000 }),
    'Pass',
  ],
  [
    'a plan has no time',
    () => facts({ ...until(1), mode: 'Plan' }, worldWith(), { now: noon + 5_000 }),
    'Planned (planned)',
  ],

  [
    'the same was applied before',
    () => facts({}, worldWith([rejects]), { named: { ...facts().named, applied: true } }),
    'Applied AlreadyApplied: a ChangeRequest wish with the same content was applied before; nothing was done again',
  ],
  [
    'the same was applied before, and is only planned',
    () => facts({ mode: 'Plan' }, worldWith(), { named: { ...facts().named, applied: true } }),
    'Planned (planned)',
  ],

  [
    'all that it shall delete is not there',
    () => unplanned({ component: 'site/none', operation: 'Delete' }),
    'Applied Unchanged: nothing was deleted: there is no Component site/none',
  ],
  [
    'one of a set is not there',
    () =>
      unplanned({
        changes: [
          { component: 'site/main', proposedChange: { a: 1 } },
          { component: 'site/none', proposedChange: { a: 1 } },
        ],
      }),
    'Rejected UnknownComponent: ChangeRequest wish: spec.changes[0].component: expected a Component in namespace dev, found none named site/main',
  ],
  [
    'a set that waits for one of its Components',
    () => unplanned({ changes: [{ component: 'site/main', proposedChange: { a: 1 } }] }, waiting),
    'Queued by UnknownComponent site/main',
  ],
  [
    'a rollback of nobody',
    () => unplanned({ rollbackOf: 'nobody' }),
    'Rejected UnknownRequest: ChangeRequest wish: spec.rollbackOf: expected a ChangeRequest, found none named nobody',
  ],

  [
    'a rollback of a change whose Components are all gone',
    () => {
      const image = { component: 'site/none', before: '{}', after: '{}' }
      const undone = aChangeRequest({ name: 'gone', status: { phase: 'Applied', images: [image] } })
      const request = aChangeRequest({ rollbackOf: 'gone' })
      const named = namedBy(request, { component: () => undefined, changeRequest: () => undone })
      return { request, planned: undefined, named, world: undefined, now: noon }
    },
    'Rejected LaterChange: ChangeRequest wish: spec.rollbackOf: expected the Components that gone changed, found that all of them are gone; roll back what deleted them first',
  ],

  ['an edit that stands', () => edit(hashOf({ config: { size: 9 } })), 'Pass (planned)'],
  [
    'an edit after which spec was edited again',
    () => edit(hashOf({ config: { size: 8 } })),
    'Superseded Superseded: ChangeRequest wish: spec of Component site/main: expected what this request asks for, found that it was edited again, and a newer request asks for that',
  ],
  [
    'an edit that was set back',
    () => edit(hashOf({ config: { size: 9 } }), { size: 1 }),
    'Superseded Superseded: ChangeRequest wish: spec of Component site/main: expected what this request asks for, found that it was set back to what is committed',
  ],

  ['it may pass', () => facts(), 'Pass (planned)'],
  ['it may pass, with a warning', () => facts(inPhase('Queued'), worldWith([warns])), 'Pass (planned)'],
  ['it may pass, under the lock', () => facts(inPhase('Pending'), worldWith(), { underLock: true }), 'Pass (planned)'],
]

describe('core/change/life: the next step', () => {
  for (const [title, given, expected] of table) {
    it(`${title}: ${expected.split(':')[0]}`, () => assert.equal(lineOf(nextStep(given())), expected))
  }

  it('holds no more than status can take, each thing with its message', () => {
    const dependents = Array.from({ length: 50 }, (_, i) =>
      aComponent(`cdn/c${i}`, { references: [{ name: 'site', component: 'site/main' }] }),
    )
    const guards = [
      {
        name: 'g',
        expression: 'false',
        forEach: 'Dependents' as const,
        verdict: 'Queue' as const,
        message: 'é'.repeat(900),
      },
    ]
    const world = aWorld({ components: [site, ...dependents], types: { site: { guards } } })
    const step = nextStep(facts({}, world))
    assert.ok(step.to === 'Queued')
    assert.equal(step.blockedBy.length, 16)
    for (const { message } of step.blockedBy) assert.ok(Buffer.byteLength(message) <= 512)
  })

  it('asks for an approval with the whole command, whatever guards say', () => {
    const world = worldWith(Array.from({ length: 40 }, () => ({ ...asks, message: 'é'.repeat(900) })))
    const known = facts({ name: 'n'.repeat(200) }, world)
    const step = nextStep(known)
    assert.ok(step.to === 'AwaitingApproval')
    assert.equal(step.blockedBy.length, 16)
    for (const { message } of [step, ...step.blockedBy]) assert.ok(message.includes(`--hash ${step.plan.hash};`))
    for (const { message } of step.blockedBy) assert.ok(Buffer.byteLength(message) <= 512)
  })

  it('says what it can of a thousand guards', () => {
    const world = worldWith(Array.from({ length: 1000 }, (_, i) => ({ message: `no ${i}` })))
    const step = nextStep(facts({}, world))
    assert.ok(step.to === 'Rejected')
    assert.match(step.message, /no 15 .*; and 984 more$/)
  })

  it('may be taken back as long as it is open', () => {
    const phases: Phase[] = [
      ...(['Pending', 'Queued', 'AwaitingApproval', 'Applying'] as const),
      ...(['Applied', 'Planned', 'Rejected', 'Cancelled'] as const),
    ]
    assert.deepEqual(phases.filter(isOpen), ['Pending', 'Queued', 'AwaitingApproval'])
  })
})
