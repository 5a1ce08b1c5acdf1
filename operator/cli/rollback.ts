import type { Requester } from '../api/kinds.generated.ts'
import { failure, type Result, success } from '../api/result.ts'
import { phaseOf } from '../core/change/status.ts'
import { derivedName } from '../core/component/identity.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import { because, readChange } from './change.ts'
import { type Format, outputOption, withConnection } from './output.ts'
import { printPlans } from './plan.ts'
import { subjectOf } from './subject.ts'
import { changeOf } from './target.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

interface RollbackFlags extends CommonFlags {
  readonly dryRun?: boolean
  readonly reason?: string
  readonly output: Format | 'wide'
}

const help = `
Undoing a change is a change: it gets a ChangeRequest of its own, named rollback-CHANGE, which passes the same guards,
the same queue and the same approvals. --dry-run says what it would do, and ends with the exit codes of plan.

Examples:
  kubectl karma rollback new-alias -n dev --dry-run
  kubectl karma rollback new-alias -n dev --reason "the old domain is needed after all"
`

export const addRollback: Verb = (program, run) => {
  const command = program
    .command('rollback')
    .description('ask for a change to be undone')
    .argument('<change>', 'NAME of a ChangeRequest that was applied')
    .option('--dry-run', 'say what it would do, without asking for it')
    .option('--reason <text>', 'why, for people')
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
    .addHelpText('after', help)
  withConnection(command).action((change: string, flags: RollbackFlags) =>
    run(flags, (desk) => rollback(change, flags, desk)),
  )
}

/** The request that asks for `change` to be undone. `attempt`: 1, or more while the name is taken. */
export const rollbackOf = (
  { metadata }: Of<'ChangeRequest'>,
  { attempt, reason, requestedBy }: { attempt: number; reason?: string | undefined; requestedBy: Requester },
) => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'ChangeRequest',
  metadata: {
    name: derivedName('rollback', metadata.name, ...(attempt > 1 ? [String(attempt)] : [])),
    namespace: metadata.namespace,
  },
  spec: { rollbackOf: metadata.name, ...(reason && { reason }), requestedBy },
})

/** Only what was applied can be undone. */
export const undoable = (request: Of<'ChangeRequest'>): Result<Of<'ChangeRequest'>> => {
  const phase = phaseOf(request.status)
  if (phase === 'Applied') return success(request)
  const { namespace, name } = request.metadata
  const message = `ChangeRequest ${namespace}/${name}: expected one that is Applied, found ${phase}${because(request)}; kubectl karma why ${name} -n ${namespace} says more`
  return failure({ reason: 'NotApplied', message, retry: false })
}

const mostAttempts = 100

/** The first of these whose name is not taken: one that is there already would be found applied. */
const firstFree = async <T extends ReturnType<typeof rollbackOf>>(
  objects: Objects,
  attemptOf: (attempt: number) => T,
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    const manifest = attemptOf(attempt)
    const taken = await objects.get('ChangeRequest', `${manifest.metadata.namespace}/${manifest.metadata.name}`)
    if (!taken.ok || !taken.value || attempt === mostAttempts) return manifest
  }
}

const rollback = async (text: string, flags: RollbackFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const target = changeOf(text, namespace)
  if (!target.ok) return target
  const read = await readChange(session.objects, target.value.key)
  if (!read.ok) return read
  const undone = undoable(read.value)
  if (!undone.ok) return undone
  const requestedBy = await session.objects.whoAmI()
  if (!requestedBy.ok) return requestedBy
  const { reason } = flags
  const asked = { reason, requestedBy: requestedBy.value }
  if (flags.dryRun) {
    const raw = await firstFree(session.objects, (attempt) => rollbackOf(undone.value, { ...asked, attempt }))
    const { planAll } = await import('./planning.ts')
    const planned = await planAll([{ where: `rollback of ${undone.value.metadata.name}`, raw }], {}, desk)
    return planned.ok ? printPlans(planned.value, flags.output, desk) : planned
  }
  for (let attempt = 1; ; attempt++) {
    const manifest = rollbackOf(undone.value, { ...asked, attempt })
    const created = await session.objects.create('ChangeRequest', namespace, manifest)
    if (created.ok) {
      const { graphVersions = {} } = undone.value.status?.plan ?? {}
      const planned = Object.entries(graphVersions).map(
        ([environment, version]) => `${environment} at version ${version}`,
      )
      terminal.out(`changerequest.usekarma.dev/${created.value} created\n`)
      terminal.err(
        `it undoes ${undone.value.metadata.name}, a change of ${subjectOf(undone.value)} planned on ${planned.join(', ')}; ` +
          `kubectl karma why ${created.value} -n ${namespace} says where it stands\n`,
      )
      return success(0)
    }
    if (created.failure.reason !== 'AlreadyExists' || attempt === mostAttempts) return created
  }
}
