import { Option } from 'commander'
import { type Result, success } from '../api/result.ts'
import { derivedName, identityOf, keyOf, nameOfIdentity } from '../core/component/identity.ts'
import type { Wanted } from '../core/component/wanted.ts'
import { count } from './count.ts'
import type { Past } from './graph-past.ts'
import { type GraphFlags, versionIn, withEnvironment } from './graph-place.ts'
import type { Restoration } from './graph-restore.ts'
import { serialized } from './output.ts'
import type { Desk, Verb } from './verb.ts'

interface RollbackFlags extends GraphFlags {
  readonly output: 'yaml' | 'json'
}

const help = `
Nothing is written: it prints one ChangeRequest, which passes the same guards, the same queue and the same approvals as
every change. What was committed at that version is worked out from what is committed now and from the ledger. Components
that came since are deleted by it. Those that were deleted since stand before it as Components of their own: no
ChangeRequest makes one. Labels are not part of a version.

One change alone is undone by kubectl karma rollback.

Examples:
  kubectl karma graph rollback 41 -n dev
  kubectl karma graph rollback 41 -n dev | kubectl karma plan -f - -n dev
  kubectl karma graph rollback 41 -n dev | kubectl create -f -
`

export const addGraphRollback: Verb = (program, run) => {
  const command = program
    .command('rollback')
    .description('print the ChangeRequest that would make an environment what it was at a version')
    .argument('<version>', 'the version, as kubectl karma graph versions lists them')
    .addOption(new Option('-o, --output <format>', 'format').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', help)
  withEnvironment(command).action((version: string, flags: RollbackFlags) =>
    run(flags, (desk) => rollback(version, flags, desk)),
  )
}

const rollback = async (text: string, flags: RollbackFlags, desk: Desk): Promise<Result<number>> => {
  const { namespace, terminal } = desk
  const version = versionIn(text, 'version')
  if (!version.ok) return version
  const [{ readPast }, { restorationOf }] = await Promise.all([import('./graph-past.ts'), import('./graph-restore.ts')])
  const past = await readPast({ namespace, environment: flags.environment, version: version.value }, desk)
  if (!past.ok) return past
  const now = new Map([...past.value.present].map(([id, { wanted }]) => [id, wanted]))
  const restoration = restorationOf(now, past.value.earlier, namespace)
  if (!restoration.ok) return restoration
  const manifests = manifestsOf(past.value, restoration.value)
  terminal.err(notesOf(past.value, restoration.value))
  if (manifests.length > 0) terminal.out(printed(manifests, flags.output))
  return success(0)
}

/** Those that are to be created, then the request. */
export const manifestsOf = ({ environment, version }: Past, { changes, missing }: Restoration): object[] => {
  const { namespace, name } = environment.metadata
  const head = environment.status?.version ?? 0
  const request = {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeRequest',
    metadata: { name: derivedName('restore', name, `v${version}`, 'from', `v${head}`), namespace },
    spec: { changes, reason: `environment ${name} as it was at version ${version} (it is at ${head})` },
  }
  return [
    ...[...missing].flatMap(([id, wanted]) => componentOf(id, wanted, name)),
    ...(changes.length > 0 ? [request] : []),
  ]
}

const componentOf = (id: string, wanted: Wanted, environment: string): object[] => {
  const identity = identityOf(id)
  if (!identity.ok) return []
  const { namespace, type, nickname } = identity.value
  const metadata = { name: nameOfIdentity(identity.value), namespace }
  return [
    {
      apiVersion: 'usekarma.dev/v1alpha1',
      kind: 'Component',
      metadata,
      spec: { type, nickname, environment, ...wanted },
    },
  ]
}

const printed = (manifests: readonly object[], format: RollbackFlags['output']): string => {
  if (format === 'yaml') return manifests.map((one) => serialized(one, 'yaml')).join('---\n')
  return serialized(
    manifests.length === 1 ? manifests[0] : { apiVersion: 'v1', kind: 'List', items: manifests },
    'json',
  )
}

const notesOf = ({ environment, version }: Past, { changes, missing, beyond }: Restoration): string => {
  const notes = beyond.map(
    ({ component, fields }) =>
      `warning: ${component}: ${fields.join(', ')} is other than at version ${version}, and no ChangeRequest changes that; edit the Component`,
  )
  if (missing.size > 0) {
    notes.push(
      `warning: ${count(missing.size, 'Component')} deleted since version ${version}: create these first, and the ChangeRequest when they are committed`,
    )
  }
  if (changes.length + missing.size === 0)
    notes.push(`${keyOf(environment)} has the config and references of version ${version}: there is nothing to change`)
  return notes.map((note) => `${note}\n`).join('')
}
