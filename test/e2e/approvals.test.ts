import assert from 'node:assert/strict'
import type { ChangeRequest } from '../../operator/api/kinds.generated.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, environment, refersTo } from '../support/karma-objects.ts'

const type = 'approvals-site'
const guards = [
  {
    name: 'wide',
    expression: 'impact.count <= 1',
    verdict: 'RequireApproval',
    message: 'it reaches more than one',
  },
] as const

describe('a change that needs an approval', () => {
  let here: Namespace
  before(async () => {
    here = await openNamespace(karma().api, 'approvals')
    await here.create(componentType(type, { guards: [...guards] }))
  })

  /** A site that two refer to, so that each of its changes needs an approval. */
  const site = async (name: string): Promise<string> => {
    const id = `${type}/${name}`
    await here.commit(
      component(`approvals-net/${name}`),
      component(id, { config: { a: 1 }, references: [{ name: 'net', component: `approvals-net/${name}` }] }),
      component(`approvals-cdn/${name}-0`, { references: refersTo(id) }),
      component(`approvals-cdn/${name}-1`, { references: refersTo(id) }),
    )
    return id
  }
  const ask = async (name: string, more: object = {}): Promise<ChangeRequest> => {
    await here.create(changeRequest(name, { component: await site(name), proposedChange: { a: 2 }, ...more }))
    return here.phase(name, 'AwaitingApproval')
  }
  /** One that waits for an output too, and is Queued until it is reported. */
  const askForMore = async (name: string): Promise<ChangeRequest> => {
    const proposedChange = { a: 2, net: `\${net.id}` }
    await here.create(changeRequest(name, { component: await site(name), proposedChange }))
    return here.phase(name, 'Queued')
  }
  const report = (name: string) => here.report(`approvals-net.${name}`, { outputs: { id: 'net-1' } })
  const hashOf = ({ status }: ChangeRequest): string => status?.plan?.hash ?? ''
  const configOf = async (name: string) => {
    const { spec, status } = (await here.get('Component', `${type}.${name}`))!
    return [spec.config?.a, status?.committed?.config?.a]
  }
  /** Whether it counts, once that is so. */
  const counted = async (name: string, reason: string): Promise<string> => {
    const is = (found: Parameters<typeof conditionOf>[0]) => conditionOf(found, 'Counted')
    const { status } = await here.until('ChangeApproval', name, `Counted: ${reason}`, (found) => {
      return is(found.status)?.reason === reason
    })
    return `${is(status)?.status} ${is(status)?.message}`
  }
  /** What was asked for after it has passed, so whatever could have let it pass has been seen. */
  const stillAwaits = async (name: string): Promise<ChangeRequest> => {
    const barrier = `barrier-${name}`
    const spec = { component: `approvals-net/${name}`, proposedChange: { seen: true } }
    assert.equal((await here.ask(changeRequest(barrier, spec))).status?.phase, 'Applied')
    const request = (await here.get('ChangeRequest', name))!
    assert.equal(request.status?.phase, 'AwaitingApproval')
    assert.deepEqual(await configOf(name), [1, 1])
    return request
  }
  /** What the ledger tells of it, once that is as much as its own history. */
  const told = async (name: string): Promise<string[]> => {
    const { status } = (await here.get('ChangeRequest', name))!
    const token = await karma().kubectl('create', 'token', 'karma', '--namespace=karma-system')
    const url = `http://${karma().operator.http}/api/v1/log?change=approvals/${name}`
    return eventually(`the story of ${name}`, async () => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token.trim()}` } })
      const { events = [] } = (await answer.json()) as { events?: { event_type: string }[] }
      const types = events.map(({ event_type }) => event_type).filter((type) => type.startsWith('change.'))
      return { found: types.length === status?.history?.length ? types : undefined, last: types }
    })
  }

  it('awaits it, says what has to be done, and is applied when somebody else agrees', async () => {
    const awaiting = await ask('approved')
    const { status } = awaiting
    const [blockedBy] = status?.blockedBy ?? []
    assert.deepEqual([blockedBy?.reason, blockedBy?.object], ['ApprovalRequired', `${type}/approved`])
    const command = `kubectl karma approve approved -n approvals --hash ${hashOf(awaiting)}`
    const expected =
      `somebody other than admin has to agree: ${command}; found no approval; Component ${type}/approved: it reaches ` +
      `more than one (guard wide of ComponentType ${type}: expected impact.count <= 1, found false)`
    const succeeded = conditionOf(status, 'Succeeded')
    assert.deepEqual(
      [succeeded?.status, succeeded?.reason, succeeded?.message],
      ['Unknown', 'ApprovalRequired', expected],
    )
    assert.equal(blockedBy?.message, expected)
    assert.equal((await here.told('approved', 'ApprovalRequired')).type, 'Normal')
    await stillAwaits('approved')

    await here.approve('yes', { changeRequest: 'approved', planHash: hashOf(awaiting), reason: 'seen' })
    const applied = await here.phase('approved', 'Applied')
    assert.deepEqual(await configOf('approved'), [2, 2])
    const approval = await here.get('ChangeApproval', 'yes')
    const { uid, name } = approval!.metadata
    assert.deepEqual(applied.status?.approvals, [{ name, uid, decision: 'Approve', username: 'approver' }])
    assert.equal(
      await counted('yes', 'Counted'),
      `True approver agrees to plan ${hashOf(awaiting)} of ChangeRequest approved`,
    )
    const { status: said } = (await here.get('ChangeApproval', 'yes'))!
    assert.equal(said?.changeRequestUid, applied.metadata.uid)
    assert.equal(Date.parse(said?.expiresAt ?? ''), Date.parse(approval!.metadata.creationTimestamp ?? '') + 86_400_000)
    assert.equal((await here.told('approved', 'Approved')).note, 'approved by approver (ChangeApproval yes)')
    assert.deepEqual(await told('approved'), [
      'change.requested',
      'change.awaiting-approval',
      'change.planned',
      'change.approved',
      'change.applying',
      'change.applied',
    ])
  })

  it('is rejected when somebody is against it, whoever agreed', async () => {
    const awaiting = await ask('denied')
    const planHash = hashOf(awaiting)
    await here.approve('no', { changeRequest: 'denied', planHash, decision: 'Deny', reason: 'not on a Friday' })
    const { status } = await here.phase('denied', 'Rejected')
    const succeeded = conditionOf(status, 'Succeeded')
    const message = `ChangeRequest denied: approver denied plan ${planHash} (ChangeApproval no): not on a Friday`
    assert.deepEqual([succeeded?.reason, succeeded?.message], ['Denied', message])
    const event = await here.told('denied', 'Denied')
    assert.deepEqual([event.type, event.note], ['Warning', message])
    assert.deepEqual(await told('denied'), [
      'change.requested',
      'change.awaiting-approval',
      'change.denied',
      'change.rejected',
    ])
    assert.match(await counted('no', 'Counted'), /^True approver is against plan/)
    await here.approve('too-late', { changeRequest: 'denied', planHash })
    assert.match(
      await counted('too-late', 'Decided'),
      /^False .* expected one that is not decided yet, found it Rejected/,
    )
    assert.deepEqual(await configOf('denied'), [1, 1])
  })

  it('is not let through by who asks for it', async () => {
    const awaiting = await ask('alone')
    await here.approve('own', { changeRequest: 'alone', planHash: hashOf(awaiting) }, 'admin')
    assert.match(await counted('own', 'SelfApproval'), /^False .* expected somebody other than the requester/)
    const { status } = await stillAwaits('alone')
    assert.match(status?.blockedBy?.[0]?.message ?? '', /found own, which does not count \(SelfApproval\);/)
  })

  it('is not let through by an approval of another plan', async () => {
    await ask('another')
    const planHash = `sha256:${'0'.repeat(64)}`
    await here.approve('other-plan', { changeRequest: 'another', planHash })
    assert.match(
      await counted('other-plan', 'OtherPlan'),
      /^False spec.planHash: expected the plan of ChangeRequest another/,
    )
    await here.approve('other-denial', { changeRequest: 'another', planHash, decision: 'Deny' })
    await counted('other-denial', 'OtherPlan')
    await stillAwaits('another')
  })

  it('takes an approval that was given while it waited for something else', async () => {
    const waiting = await askForMore('early')
    assert.deepEqual(
      waiting.status?.blockedBy?.map(({ reason }) => reason),
      ['OutputsUnavailable', 'ApprovalRequired'],
    )
    await here.approve('while-queued', { changeRequest: 'early', planHash: hashOf(waiting) })
    await counted('while-queued', 'Counted')
    const approved = await here.until('ChangeRequest', 'early', 'no approval to be wanted', ({ status }) => {
      return status?.blockedBy?.length === 1
    })
    assert.equal(approved.status?.phase, 'Queued')
    await report('early')
    const applied = await here.phase('early', 'Applied')
    assert.equal(hashOf(applied), hashOf(waiting))
  })

  it('is not let through by an approval that has expired while it waited', async () => {
    const waiting = await askForMore('expired')
    await here.approve('short', { changeRequest: 'expired', planHash: hashOf(waiting), validForSeconds: 2 })
    await counted('short', 'Counted')
    await counted('short', 'ApprovalExpired')
    // It says so without being asked: who waits for the output sees that it will not be enough.
    await here.until('ChangeRequest', 'expired', 'to want an approval again', ({ status }) => {
      return status?.blockedBy?.[1]?.message?.includes('short, which does not count (ApprovalExpired)') === true
    })
    await report('expired')
    await here.phase('expired', 'AwaitingApproval')
    const awaiting = await stillAwaits('expired')
    await here.approve('again', { changeRequest: 'expired', planHash: hashOf(awaiting) })
    await here.phase('expired', 'Applied')
  })

  it('is not let through by an approval that was taken back', async () => {
    const waiting = await askForMore('withdrawn')
    await here.approve('second-thoughts', { changeRequest: 'withdrawn', planHash: hashOf(waiting) })
    await here.until('ChangeRequest', 'withdrawn', 'approved', ({ status }) => status?.blockedBy?.length === 1)
    await here.remove('ChangeApproval', 'second-thoughts')
    await here.until('ChangeRequest', 'withdrawn', 'not approved', ({ status }) => status?.blockedBy?.length === 2)
    await report('withdrawn')
    await here.phase('withdrawn', 'AwaitingApproval')
    await stillAwaits('withdrawn')
  })

  it('needs another approval when it is planned again and reaches more', async () => {
    const awaiting = await ask('grown')
    await here.commit(component('approvals-cdn/grown-2', { references: refersTo(`${type}/grown`) }))
    await here.approve('of-less', { changeRequest: 'grown', planHash: hashOf(awaiting) })
    const grown = await here.until(
      'ChangeRequest',
      'grown',
      'another plan',
      (found) => hashOf(found) !== hashOf(awaiting),
    )
    assert.deepEqual([grown.status?.phase, grown.status?.affectedCount], ['AwaitingApproval', 3])
    assert.match(await counted('of-less', 'OtherPlan'), /^False/)
    await stillAwaits('grown')
    await here.approve('of-more', { changeRequest: 'grown', planHash: hashOf(grown) })
    await here.phase('grown', 'Applied')
    assert.match(await counted('of-more', 'Counted'), /^True/)
    assert.match(await counted('of-less', 'Decided'), /^False/)
  })

  it('may be approved before it is asked for, and not twice by one approval', async () => {
    const asked = { component: await site('planned'), proposedChange: { a: 2 } }
    const plan = await here.ask(changeRequest('what-if', { ...asked, mode: 'Plan' }))
    assert.equal(plan.status?.phase, 'Planned')
    assert.match(
      conditionOf(plan.status, 'Succeeded')?.message ?? '',
      /^the change would need an approval, affecting 2 Components; Component approvals-site\/planned: it reaches more/,
    )
    await here.approve('in-advance', { changeRequest: 'planned', planHash: hashOf(plan) })
    assert.match(await counted('in-advance', 'UnknownChange'), /^False/)
    const first = await here.ask(changeRequest('planned', asked))
    assert.deepEqual([first.status?.phase, hashOf(first)], ['Applied', hashOf(plan)])
    assert.match(await counted('in-advance', 'Counted'), /^True/)

    // Back to where it was, and asked for once more under the same name.
    await here.create(changeRequest('back', { component: asked.component, proposedChange: { a: 1 } }))
    const back = await here.phase('back', 'AwaitingApproval')
    await here.approve('back', { changeRequest: 'back', planHash: hashOf(back) })
    await here.phase('back', 'Applied')
    await here.remove('ChangeRequest', 'planned')
    await here.gone('ChangeRequest', 'planned')
    await here.create(changeRequest('planned', { ...asked, reason: 'once more' }))
    const second = await here.phase('planned', 'AwaitingApproval')
    assert.equal(hashOf(second), hashOf(plan))
    assert.match(await counted('in-advance', 'Spent'), /^False ChangeRequest planned was created anew/)
    await stillAwaits('planned')
  })

  it('goes on by itself when the guard of its Environment asks no more', async () => {
    const asks = [{ name: 'two', expression: 'false', verdict: 'RequireApproval' }]
    await here.create(environment('guarded', {}))
    await here.commit(component('approvals-host/one', { environment: 'guarded', config: { a: 1 } }))
    await here.patch('Environment', 'guarded', { spec: { guards: asks } })
    await here.create(changeRequest('thaw', { component: 'approvals-host/one', proposedChange: { a: 2 } }))
    await here.phase('thaw', 'AwaitingApproval')
    await here.patch('Environment', 'guarded', { spec: { guards: [] } })
    await here.phase('thaw', 'Applied')
  })

  it('can be cancelled while it awaits', async () => {
    await ask('cancelled')
    await here.patch('ChangeRequest', 'cancelled', { spec: { cancel: true } })
    await here.phase('cancelled', 'Cancelled')
    assert.deepEqual(await configOf('cancelled'), [1, 1])
  })
})
