import type { ChangeApproval, ChangeApprovalStatus, ChangeRequest, DecidedBy } from '../../api/kinds.generated.ts'
import type { Reason } from '../../api/reasons.ts'
import { cut } from '../../api/text.ts'
import { bounds } from './bounds.ts'
import { isFinished, withCondition } from './status.ts'

/*
 * Who has decided on a plan, and whose decision counts. An approval is bound to the name of a request and the hash of a
 * plan, so it may be given at any time before that plan is applied, also while the change waits for something else.
 * Times are epoch milliseconds.
 */

/** Whether an approval or denial counts, and why. */
export interface Standing {
  readonly counts: boolean
  readonly reason: Reason
  readonly message: string
}

/** All that was decided about one plan. */
export interface Considered {
  readonly approvals: readonly ChangeApproval[]
  readonly denials: readonly ChangeApproval[]
  /** they do not count */
  readonly others: readonly { readonly approval: ChangeApproval; readonly standing: Standing }[]
}

/** From then on it does not count; NaN, which no time comes before, when nobody knows when it was given. */
export const expiryOf = ({ metadata, spec }: ChangeApproval): number =>
  Date.parse(metadata.creationTimestamp ?? '') + (spec.validForSeconds ?? 0) * 1000

/** What the approvals that name this request decide about its plan, in the order in which they were given. */
export const consider = (
  approvals: readonly ChangeApproval[],
  { request, hash, now }: { request: ChangeRequest; hash: string; now: number },
): Considered => {
  const judged = approvals.toSorted(byTime).map((approval) => ({
    approval,
    standing: standingFor(approval, { request, hash, now }),
  }))
  const counted = judged.filter(({ standing }) => standing.counts).map(({ approval }) => approval)
  return {
    approvals: counted.filter(({ spec }) => spec.decision === 'Approve'),
    denials: counted.filter(({ spec }) => spec.decision === 'Deny'),
    others: judged.filter(({ standing }) => !standing.counts),
  }
}

/** As `consider` judges it, for the request that it names, if there is one, at the plan that stands in its status. */
export const standingOf = (approval: ChangeApproval, request: ChangeRequest | undefined, now: number): Standing => {
  const { changeRequest } = approval.spec
  if (!request) {
    const found = `found none named ${changeRequest}`
    return not('UnknownChange', `spec.changeRequest: expected a ChangeRequest in the same namespace, ${found}`)
  }
  const { phase, plan, approvals = [] } = request.status ?? {}
  if (approvals.some(({ uid }) => uid === approval.metadata.uid)) return counted(approval)
  if (isFinished(phase) || phase === 'Applying') {
    const found = `found it ${phase}`
    return not('Decided', `ChangeRequest ${changeRequest}: expected one that is not decided yet, ${found}`)
  }
  if (!plan) return not('NotPlanned', `ChangeRequest ${changeRequest}: expected a plan, found none yet`)
  return standingFor(approval, { request, hash: plan.hash, now })
}

const standingFor = (
  approval: ChangeApproval,
  { request, hash, now }: { request: ChangeRequest; hash: string; now: number },
): Standing => {
  const { spec, status } = approval
  const { name, uid } = request.metadata
  if (spec.planHash !== hash) {
    const expected = `expected the plan of ChangeRequest ${name} as it is now, ${hash}, found ${spec.planHash}`
    return not('OtherPlan', `spec.planHash: ${expected}`)
  }
  const expiry = expiryOf(approval)
  if (!(now < expiry)) {
    const found = `found that it ended ${Number.isNaN(expiry) ? 'at no known time' : new Date(expiry).toISOString()}`
    return not('ApprovalExpired', `spec.validForSeconds: expected a time that is not over, ${found}; give it again`)
  }
  // Whoever is against it is against it, though it be the requester, and each time it is asked for.
  if (spec.decision === 'Deny') return counted(approval)
  if (isOwn(approval, request)) {
    const expected = `expected somebody other than the requester of ChangeRequest ${name}, found ${spec.approver.username}`
    return not('SelfApproval', `spec.approver: ${expected}`)
  }
  if (status?.changeRequestUid !== undefined && status.changeRequestUid !== uid) {
    const expected = `expected an approval that has not counted before, found one that did for uid ${status.changeRequestUid}`
    return not('Spent', `ChangeRequest ${name} was created anew: ${expected}; give it again`)
  }
  return counted(approval)
}

/** Four eyes: another name alone does not make another account, nor does another uid. */
const isOwn = ({ spec: { approver } }: ChangeApproval, { spec: { requestedBy } }: ChangeRequest): boolean =>
  approver.username === requestedBy.username || (Boolean(approver.uid) && approver.uid === requestedBy.uid)

const counted = ({ spec }: ChangeApproval): Standing => {
  const what = spec.decision === 'Approve' ? 'agrees to' : 'is against'
  const message = `${spec.approver.username} ${what} plan ${spec.planHash} of ChangeRequest ${spec.changeRequest}`
  return { counts: true, reason: 'Counted', message }
}

const not = (reason: Reason, message: string): Standing => ({ counts: false, reason, message })

const byTime = (a: ChangeApproval, b: ChangeApproval): number =>
  compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
  compare(a.metadata.name, b.metadata.name)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The status of an approval: whether it counts. Once it has counted for a request it is that one's. */
export const approvalStatus = (
  approval: ChangeApproval,
  request: ChangeRequest | undefined,
  now: number,
): ChangeApprovalStatus => {
  const { metadata, status } = approval
  const { counts, reason, message } = standingOf(approval, request, now)
  const generation = metadata.generation ?? 1
  const at = new Date(now).toISOString()
  const said = { type: 'Counted', status: counts ? 'True' : 'False', reason, message } as const
  const expiry = expiryOf(approval)
  const uid = status?.changeRequestUid ?? (counts ? request?.metadata.uid : undefined)
  return {
    ...status,
    observedGeneration: generation,
    ...(!Number.isNaN(expiry) && { expiresAt: new Date(expiry).toISOString() }),
    ...(uid !== undefined && { changeRequestUid: uid }),
    conditions: [withCondition(status?.conditions, said, { generation, at })],
  }
}

/** What somebody has to do before the plan may pass, and what was done already. Fits where a message may have 512 bytes. */
export const approvalWanted = (
  { metadata: { name, namespace = '' }, spec: { requestedBy } }: ChangeRequest,
  hash: string,
  { others }: Considered,
): string => {
  const command = `kubectl karma approve ${name} -n ${namespace} --hash ${hash}`
  const [named, rest] = [others.slice(0, namedOthers), others.length - namedOthers]
  const names = named.map(
    ({ approval, standing }) => `${approval.metadata.name}, which does not count (${standing.reason})`,
  )
  const found = [...names, ...(rest > 0 ? [`${rest} more`] : [])].join(', ') || 'no approval'
  return `somebody other than ${cut(requestedBy.username, 32)} has to agree: ${command}; found ${found}`
}

const namedOthers = 3

/** Who was against it, and why. */
export const deniedMessage = ({ metadata, spec }: ChangeApproval): string => {
  const why = spec.reason ? `: ${spec.reason}` : ''
  return `ChangeRequest ${spec.changeRequest}: ${spec.approver.username} denied plan ${spec.planHash} (ChangeApproval ${metadata.name})${why}`
}

/** Those that decided, as they stand in the status of the request. */
export const decidedBy = (approvals: readonly ChangeApproval[]): DecidedBy[] =>
  approvals.slice(0, bounds.approvals).map(({ metadata, spec }) => ({
    name: metadata.name,
    uid: metadata.uid ?? '',
    decision: spec.decision,
    username: cut(spec.approver.username, bounds.username),
  }))
