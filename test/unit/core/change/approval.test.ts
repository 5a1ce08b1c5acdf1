import assert from 'node:assert/strict'
import type { ChangeApproval, ChangeRequest } from '../../../../operator/api/kinds.generated.ts'
import {
  approvalStatus,
  approvalWanted,
  consider,
  decidedBy,
  deniedMessage,
  expiryOf,
  standingOf,
} from '../../../../operator/core/change/approval.ts'
import { aChangeRequest, anApproval, at, noon } from '../../../support/builders.ts'

const hash = `sha256:${'a'.repeat(64)}`
const other = `sha256:${'b'.repeat(64)}`
const day = 86_400_000

type Approval = Parameters<typeof anApproval>[1]
type Request = Parameters<typeof aChangeRequest>[0]
const approval = (options: Approval = {}, planHash = hash): ChangeApproval => anApproval(planHash, options)
const planned = { phase: 'AwaitingApproval', plan: { hash } } as const
const request = (options: Request = {}): ChangeRequest => aChangeRequest({ status: planned, ...options })
const told = (uid: string) => ({ changeRequestUid: uid })

const deny: Approval = { decision: 'Deny' }
const asker = { username: 'jo', uid: '7' }

/** What is decided, by whom and when it is looked at; and whether it counts, with its reason and the rest of why. */
type Row = readonly [
  title: string,
  approval: ChangeApproval,
  request: ChangeRequest | undefined,
  expected: string,
  now?: number,
]
const table: readonly Row[] = [
  ['an approval of this plan', approval(), request(), `Counted: al agrees to plan ${hash} of ChangeRequest wish`],
  ['a denial of this plan', approval(deny), request(), `Counted: al is against plan ${hash} of ChangeRequest wish`],
  [
    'in the last millisecond of its time',
    approval({ validForSeconds: 60 }),
    request(),
    `Counted: al agrees to plan ${hash} of ChangeRequest wish`,
    noon + 59_999,
  ],
  [
    'when its time is over',
    approval({ validForSeconds: 60 }),
    request(),
    `ApprovalExpired: spec.validForSeconds: expected a time that is not over, found that it ended ${at(noon + 60_000)}; give it again`,
    noon + 60_000,
  ],
  [
    'a denial whose time is over',
    approval({ ...deny, validForSeconds: 60 }),
    request(),
    `ApprovalExpired: spec.validForSeconds: expected a time that is not over, found that it ended ${at(noon + 60_000)}; give it again`,
    noon + 60_000,
  ],
  [
    'given at no time that can be read',
    approval({ metadata: { creationTimestamp: 'soon' } }),
    request(),
    'ApprovalExpired: spec.validForSeconds: expected a time that is not over, found that it ended at no known time; give it again',
  ],
  [
    'of another plan',
    approval({}, other),
    request(),
    `OtherPlan: spec.planHash: expected the plan of ChangeRequest wish as it is now, ${hash}, found ${other}`,
  ],
  [
    'a denial of another plan',
    approval(deny, other),
    request(),
    `OtherPlan: spec.planHash: expected the plan of ChangeRequest wish as it is now, ${hash}, found ${other}`,
  ],

  [
    'by the requester',
    approval({ by: 'jo' }),
    request(),
    'SelfApproval: spec.approver: expected somebody other than the requester of ChangeRequest wish, found jo',
  ],
  [
    'by the requester, who has another uid now',
    approval({ approver: { username: 'jo', uid: '8' } }),
    request({ requestedBy: asker }),
    'SelfApproval: spec.approver: expected somebody other than the requester of ChangeRequest wish, found jo',
  ],
  [
    'by the requester, who has another name now',
    approval({ approver: { username: 'joanna', uid: '7' } }),
    request({ requestedBy: asker }),
    'SelfApproval: spec.approver: expected somebody other than the requester of ChangeRequest wish, found joanna',
  ],
  [
    'by somebody else, of whom and of the requester no uid is known',
    approval({ approver: { username: 'al', uid: '' } }),
    request({ requestedBy: { username: 'jo', uid: '' } }),
    `Counted: al agrees to plan ${hash} of ChangeRequest wish`,
  ],
  [
    'by somebody else of the same groups',
    approval({ approver: { username: 'al', uid: '9', groups: ['team'] } }),
    request({ requestedBy: { ...asker, groups: ['team'] } }),
    `Counted: al agrees to plan ${hash} of ChangeRequest wish`,
  ],
  [
    'a denial by the requester, who may be against it too',
    approval({ ...deny, by: 'jo' }),
    request(),
    `Counted: jo is against plan ${hash} of ChangeRequest wish`,
  ],

  [
    'one that has counted for this request',
    approval({ status: told('uid-wish') }),
    request(),
    `Counted: al agrees to plan ${hash} of ChangeRequest wish`,
  ],
  [
    'one that has counted for another request of this name',
    approval({ status: told('uid-before') }),
    request(),
    'Spent: ChangeRequest wish was created anew: expected an approval that has not counted before, found one that did for uid uid-before; give it again',
  ],
  [
    'a denial that has counted for another request of this name',
    approval({ ...deny, status: told('uid-before') }),
    request(),
    `Counted: al is against plan ${hash} of ChangeRequest wish`,
  ],

  [
    'of a request that is not there',
    approval(),
    undefined,
    'UnknownChange: spec.changeRequest: expected a ChangeRequest in the same namespace, found none named wish',
  ],
  [
    'of a request that nobody has looked at',
    approval(),
    request({ status: {} }),
    'NotPlanned: ChangeRequest wish: expected a plan, found none yet',
  ],
  [
    'of a request that waits',
    approval(),
    request({ status: { phase: 'Queued', plan: { hash } } }),
    `Counted: al agrees to plan ${hash} of ChangeRequest wish`,
  ],
  ...(['Applying', 'Applied', 'Rejected', 'Cancelled', 'Planned'] as const).map(
    (phase): Row => [
      `of a request that is ${phase} without it`,
      approval(),
      request({ status: { phase, plan: { hash } } }),
      `Decided: ChangeRequest wish: expected one that is not decided yet, found it ${phase}`,
    ],
  ),
  ...(['Applying', 'Applied'] as const).map(
    (phase): Row => [
      `of a request that is ${phase} by it, long ago`,
      approval(),
      request({ status: { phase, plan: { hash: other }, approvals: decidedBy([approval()]) } }),
      `Counted: al agrees to plan ${hash} of ChangeRequest wish`,
      noon + 9 * day,
    ],
  ),
  [
    'a denial by which the request was rejected',
    approval(deny),
    request({ status: { phase: 'Rejected', plan: { hash }, approvals: decidedBy([approval(deny)]) } }),
    `Counted: al is against plan ${hash} of ChangeRequest wish`,
  ],
]

describe('core/change/approval: whether it counts', () => {
  for (const [title, given, of, expected, now = noon + 1] of table) {
    it(`${title}: ${expected.split(':')[0]}`, () => {
      const { counts, reason, message } = standingOf(given, of, now)
      assert.equal(`${reason}: ${message}`, expected)
      assert.equal(counts, reason === 'Counted')
    })
  }

  it('for the plan that is being made, whatever stands in the status of the request', () => {
    const of = request({ status: { phase: 'Queued', plan: { hash: other } } })
    assert.equal(consider([approval()], { request: of, hash, now: noon }).approvals.length, 1)
    assert.equal(consider([approval()], { request: of, hash: other, now: noon }).approvals.length, 0)
  })

  it('sorts them: who agrees, who is against, who does not count; in the order in which they were given', () => {
    const given = [
      approval({ name: 'c', metadata: { creationTimestamp: at(noon + 2_000) } }),
      approval({ name: 'self', by: 'jo' }),
      approval({ ...deny, name: 'no' }),
      approval({ name: 'b' }),
      approval({ name: 'a' }),
    ]
    for (const list of [given, given.toReversed()]) {
      const { approvals, denials, others } = consider(list, { request: request(), hash, now: noon + 3_000 })
      const names = (some: readonly ChangeApproval[]) => some.map(({ metadata }) => metadata.name)
      assert.deepEqual(
        [names(approvals), names(denials), names(others.map((one) => one.approval))],
        [['a', 'b', 'c'], ['no'], ['self']],
      )
    }
  })
})

describe('core/change/approval: its status', () => {
  const of = (given: ChangeApproval, about: ChangeRequest | undefined, now = noon + 1) => {
    const { conditions: [condition] = [], ...status } = approvalStatus(given, about, now)
    return [condition?.type, condition?.status, condition?.reason, condition?.lastTransitionTime, status]
  }
  const expiresAt = at(noon + day)

  it('says that it counts, for which request, and until when', () => {
    assert.deepEqual(of(approval(), request()), [
      'Counted',
      'True',
      'Counted',
      at(noon + 1),
      { observedGeneration: 1, expiresAt, changeRequestUid: 'uid-wish' },
    ])
  })

  it('says that it does not, for none', () => {
    assert.deepEqual(of(approval({ by: 'jo' }), request()), [
      'Counted',
      'False',
      'SelfApproval',
      at(noon + 1),
      { observedGeneration: 1, expiresAt },
    ])
  })

  it('remembers for which it counted, when that has gone and when another of the name has come', () => {
    const given = { ...approval(), status: approvalStatus(approval(), request(), noon + 1) }
    for (const [about, reason] of [
      [undefined, 'UnknownChange'],
      [request({ metadata: { uid: 'uid-new' } }), 'Spent'],
    ] as const) {
      const [, status, found, , { changeRequestUid }] = of(given, about) as [string, string, string, string, never]
      assert.deepEqual([status, found, changeRequestUid], ['False', reason, 'uid-wish'])
    }
  })

  it('moves its time when the answer does', () => {
    const given = { ...approval(), status: approvalStatus(approval(), request(), noon + 1) }
    assert.equal(of(given, request(), noon + 2)[3], at(noon + 1))
    assert.equal(of(given, request(), noon + day)[3], at(noon + day))
  })

  it('says nothing of a time that nobody knows', () => {
    const given = approval({ metadata: { creationTimestamp: 'soon' } })
    assert.ok(Number.isNaN(expiryOf(given)))
    assert.equal(approvalStatus(given, request(), noon).expiresAt, undefined)
  })
})

describe('core/change/approval: what people read', () => {
  const wanted = (given: readonly ChangeApproval[], about = request()) =>
    approvalWanted(about, hash, consider(given, { request: about, hash, now: noon + 1 }))
  const command = `kubectl karma approve wish -n dev --hash ${hash}`

  it('says who has to do what', () => {
    assert.equal(wanted([]), `somebody other than jo has to agree: ${command}; found no approval`)
  })

  it('says what was found, and names three of many', () => {
    const self = (name: string) => approval({ name, by: 'jo' })
    assert.equal(
      wanted([self('a'), approval({ name: 'b' }, other)]),
      `somebody other than jo has to agree: ${command}; found a, which does not count (SelfApproval), b, which does not count (OtherPlan)`,
    )
    assert.match(
      wanted(['a', 'b', 'c', 'd', 'e'].map(self)),
      /found a, which [^,]*, b, which [^,]*, c, which [^,]*, 2 more$/,
    )
  })

  it('has the whole command in it, however long the names are', () => {
    const about = request({
      name: 'n'.repeat(253),
      metadata: { namespace: 's'.repeat(63) },
      requestedBy: { username: '"'.repeat(1024) },
    })
    const text = wanted([], about)
    assert.ok(text.indexOf(hash) + hash.length <= 512, text)
  })

  it('says who was against it, and why', () => {
    assert.equal(
      deniedMessage(approval({ ...deny, name: 'no', reason: 'not on a Friday' })),
      `ChangeRequest wish: al denied plan ${hash} (ChangeApproval no): not on a Friday`,
    )
    assert.equal(
      deniedMessage(approval({ ...deny, name: 'no' })),
      `ChangeRequest wish: al denied plan ${hash} (ChangeApproval no)`,
    )
  })

  it('keeps four of those that decided, with names that fit', () => {
    const many = Array.from({ length: 9 }, (_, i) => approval({ name: `y${i}`, by: '鯨'.repeat(1024) }))
    const kept = decidedBy(many)
    assert.deepEqual(
      kept.map(({ name, uid, decision }) => [name, uid, decision]),
      [0, 1, 2, 3].map((i) => [`y${i}`, `uid-y${i}`, 'Approve']),
    )
    for (const { username } of kept) assert.ok(Buffer.byteLength(username) <= 253)
  })
})
