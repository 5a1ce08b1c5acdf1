import type { ChangeApproval, Requester } from '../api/kinds.generated.ts'
import { failure, type Result, success } from '../api/result.ts'
import { askedBy } from '../core/change/asked.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import type { Of } from '../ports/cluster.ts'
import { because, readChange, standingOf } from './change.ts'
import { withConnection } from './output.ts'
import type { Planned } from './planned.ts'
import { plannedText } from './planned-text.ts'
import { escaped } from './table.ts'
import { changeOf } from './target.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

type Decision = ChangeApproval['spec']['decision']

interface ApprovalFlags extends CommonFlags {
  readonly hash?: string
  readonly yes?: boolean
  readonly reason?: string
}

const helpOf = (verb: string) => `
Your word is bound to the hash of the plan that you are shown: should the change come to mean something else, it does
not count any more. On a terminal you are asked whether you are sure. A script says which plan it means with --hash,
or takes whatever the plan is at this moment with --yes.

Examples:
  kubectl karma ${verb} new-alias -n dev
  kubectl karma ${verb} new-alias --hash sha256:6d08de32423b3d171a8195fe475be8abf51305c4fe751f1fe301f64481599a6a
  kubectl karma ${verb} new-alias --yes --reason "seen in review"
`

const addDecision =
  (name: string, decision: Decision, description: string): Verb =>
  (program, run) => {
    const command = program
      .command(name)
      .description(description)
      .argument('<change>', 'NAME of a ChangeRequest')
      .option(
        '--hash <hash>',
        'the plan that is meant, as sha256:HEX; it is refused when the plan is another one by now',
      )
      .option('-y, --yes', 'do not ask')
      .option('--reason <text>', 'why, for people')
      .addHelpText('after', helpOf(name))
    withConnection(command).action((change: string, flags: ApprovalFlags) =>
      run(flags, (desk) => decide(decision, change, flags, desk)),
    )
  }

export const addApprove = addDecision('approve', 'Approve', 'agree to the plan of a change')
export const addDeny = addDecision('deny', 'Deny', 'refuse the plan of a change')

/** The hash that is meant; a request that has ended, or has no plan, has none. `given`: by --hash. */
export const hashMeant = (request: Of<'ChangeRequest'>, given: string | undefined): Result<string> => {
  const { namespace, name } = request.metadata
  const refuse = (reason: string, message: string): Result<never> =>
    failure({ reason, message: `ChangeRequest ${namespace}/${name}: ${message}`, retry: false })
  const phase = phaseOf(request.status)
  if (isFinished(phase)) {
    return refuse('TooLate', `expected one that has not ended, found ${phase}${because(request)}`)
  }
  const hash = request.status?.plan?.hash
  if (hash === undefined) return refuse('NoPlan', 'status.plan.hash: expected a plan, found none yet; try again')
  if (given === undefined || given === hash) return success(hash)
  return refuse('PlanStale', `status.plan.hash: expected ${given}, found ${hash}; look at the plan again`)
}

/** `approver`: replaced by the API server where it fills that in itself, and refused where it is somebody else. */
export const approvalOf = (
  { metadata }: Of<'ChangeRequest'>,
  decided: {
    readonly decision: Decision
    readonly planHash: string
    readonly approver: Requester
    readonly reason?: string | undefined
  },
): object => {
  const { decision, planHash, approver, reason } = decided
  return {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeApproval',
    metadata: { generateName: generateName(metadata.name), namespace: metadata.namespace },
    spec: { changeRequest: metadata.name, planHash, decision, ...(reason && { reason }), approver },
  }
}

/** The API server keeps the first 58 characters and completes them. */
const generateName = (change: string): string => `${change.slice(0, 57).replace(/[.-]+$/, '')}-`

const decide = async (decision: Decision, text: string, flags: ApprovalFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const target = changeOf(text, namespace)
  if (!target.ok) return target
  const read = await readChange(session.objects, target.value.key)
  if (!read.ok) return read
  const hash = hashMeant(read.value, flags.hash)
  if (!hash.ok) return hash
  const sure = await confirmed(decision, hash.value, read.value, flags, desk)
  if (!sure.ok) return sure
  if (!sure.value) return notDone
  const approver = await session.objects.whoAmI()
  if (!approver.ok) return approver
  const { reason } = flags
  const approval = approvalOf(read.value, { decision, planHash: hash.value, approver: approver.value, reason })
  const created = await session.objects.create('ChangeApproval', namespace, approval)
  if (!created.ok) return created
  const done = decision === 'Approve' ? 'approves' : 'denies'
  terminal.out(`changeapproval.usekarma.dev/${created.value} ${done} plan ${hash.value}\n`)
  return success(0)
}

const notDone: Result<never> = failure({
  reason: 'NotConfirmed',
  message: 'expected the answer y, found another one; nothing was written',
  retry: false,
})

const confirmed = async (
  decision: Decision,
  hash: string,
  request: Of<'ChangeRequest'>,
  flags: ApprovalFlags,
  desk: Desk,
): Promise<Result<boolean>> => {
  if (flags.yes || flags.hash !== undefined) return success(true)
  const { ask } = desk.terminal
  if (!ask) {
    const message = `${decision.toLowerCase()}: expected a terminal to ask on, found none; say --hash ${hash}, or --yes`
    return failure({ reason: 'NotConfirmed', message, retry: false })
  }
  desk.terminal.err(await shownPlan(request, hash, desk))
  const answer = await ask(`${decision} this plan? [y/N] `)
  return success(/^y(es)?$/i.test(answer.trim()))
}

/** Field by field where the same plan can be worked out here; else what the request says of itself. */
const shownPlan = async (request: Of<'ChangeRequest'>, hash: string, desk: Desk): Promise<string> => {
  const { apiVersion, kind, metadata, spec } = request
  const manifest = {
    where: `ChangeRequest ${metadata.name}`,
    raw: { apiVersion, kind, metadata: { name: metadata.name }, spec },
  }
  const { planAll } = await import('./planning.ts')
  const plans = await planAll([manifest], { requester: spec.requestedBy }, desk)
  const [plan] = plans.ok ? plans.value : []
  const same = plan?.hash === hash ? plan : undefined
  const { colours, width } = desk.terminal
  return `${plannedText(same ?? plannedByStatus(request), { colours, width, wide: false })}\n`
}

/** What the operator wrote of its plan. Its values are not there, only what was asked for. */
export const plannedByStatus = ({ metadata, spec, status }: Of<'ChangeRequest'>): Planned => {
  const { hash, graphVersions = {}, verdicts = [] } = status?.plan ?? {}
  const { reason, message } = standingOf({ status } as Of<'ChangeRequest'>)
  const asked = askedBy(spec).flatMap(({ component, operation, proposedChange, remove, proposedReferences }) => [
    ...(operation === 'Delete' ? [`${component}: delete`] : []),
    ...(Object.keys(proposedChange).length > 0 ? [`${component}: merge ${JSON.stringify(proposedChange)}`] : []),
    ...(remove.length > 0 ? [`${component}: remove ${remove.join(', ')}`] : []),
    ...(proposedReferences.length > 0 ? [`${component}: references ${JSON.stringify(proposedReferences)}`] : []),
  ])
  return {
    namespace: metadata.namespace ?? '',
    changeRequest: metadata.name,
    decision: verdicts[0]?.verdict ?? 'Allow',
    reason,
    message: [message, ...asked].map(escaped).join('; '),
    ...(hash !== undefined && { hash }),
    graphVersions,
    changes: [],
    affectedCount: status?.affectedCount ?? 0,
    affected: (status?.affectedComponents ?? []).map((component) => ({ component, path: [] })),
    verdicts,
    warnings: status?.warnings ?? [],
  }
}
