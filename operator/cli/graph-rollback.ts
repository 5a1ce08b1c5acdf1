import { Option } from 'commander'
import { failure, type Result, success } from '../api/result.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import {
  derivedName,
  display,
  identityOf,
  idOf,
  keyOf,
  keyOfId,
  nameOfIdentity,
  resolveId,
} from '../core/component/identity.ts'
import type { Wanted } from '../core/component/wanted.ts'
import type { Objects } from '../ports/objects.ts'
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
that came since are deleted by it. Those that were deleted since are printed as Components: no ChangeRequest makes one.
Where the ChangeRequest refers to one of these, it would be rejected before that is committed: then the Components alone
are printed, and the ChangeRequest when it is asked for again. Labels are not part of a version.

One change alone is undone by kubectl karma rollback.

Exit code: 0 all of it is printed, or there is nothing to change; 2 what is to be created first is printed, ask again when
that is committed; 1 it cannot be told, or cannot be brought back by this.

Examples:
  kubectl karma graph rollback 41 -n dev
  kubectl karma graph rollback 41 -n dev | kubectl karma plan -f - -n dev
  kubectl karma graph rollback 41 -n dev | kubectl create -f -   # again when it ends with 2
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
  const lost = await lostReference(past.value, restoration.value, desk.session.objects)
  if (lost) return lost
  const steps = stepsOf(past.value, restoration.value)
  const name = await freeName(past.value, desk.session.objects)
  if (!name.ok) return name
  const manifests = manifestsOf(past.value, { ...steps, name: name.value })
  terminal.err(notesOf(past.value, restoration.value, steps))
  if (manifests.length > 0) terminal.out(printed(manifests, flags.output))
  return success(steps.isLater ? 2 : 0)
}

/** What is printed now. */
interface Steps {
  /** to be created, by full id */
  readonly created: ReadonlyMap<string, Wanted>
  /** created already, and not committed yet */
  readonly coming: readonly string[]
  /** absent: it comes later, or there is none */
  readonly changes: Restoration['changes']
  /** The request refers to what is to be committed first. */
  readonly isLater: boolean
}

const stepsOf = ({ now, environment }: Past, { changes, missing }: Restoration): Steps => {
  const { namespace = '' } = environment.metadata
  const there = new Set(now.components.map(idOf))
  const coming = [...missing.keys()].filter((id) => there.has(id))
  const created = new Map([...missing].filter(([id]) => !there.has(id)))
  const isLater = changes.some(({ proposedReferences = [] }) =>
    proposedReferences.some(({ component }) => component !== undefined && missing.has(targetOf(component, namespace))),
  )
  return { created, coming, changes: isLater ? [] : changes, isLater }
}

/** The full id; empty: it is none. */
const targetOf = (component: string, namespace: string): string => {
  const id = resolveId(component, namespace)
  return id.ok ? id.value : ''
}

/** A reference that led to what is neither there any more nor brought back by this: the request would be rejected. */
const lostReference = async (
  { now, environment, version }: Past,
  { changes, missing }: Restoration,
  objects: Objects,
): Promise<Result<never> | undefined> => {
  const { namespace = '' } = environment.metadata
  const there = new Set(now.components.map(idOf))
  const isLost = async (id: string): Promise<boolean> => {
    if (missing.has(id) || there.has(id)) return false
    if (id.startsWith(`${namespace}/`)) return true
    const key = keyOfId(id)
    // What may not be read may be there.
    const read = key.ok ? await objects.get('Component', key.value) : key
    return read.ok && read.value === undefined
  }
  const referring = [
    ...changes.map(({ component, proposedReferences = [] }) => ({ component, references: proposedReferences })),
    ...[...missing].map(([id, { references = [] }]) => ({ component: display(id, namespace), references })),
  ]
  for (const { component, references } of referring) {
    for (const reference of references) {
      if (reference.component === undefined) continue
      const id = targetOf(reference.component, namespace)
      if (id !== '' && (await isLost(id))) {
        const expected = `expected Component ${reference.component} to be there, to which reference ${reference.name} led at version ${version}`
        const message = `Component ${component}: ${expected}, found that it was deleted; bring it back first, in its own environment`
        return failure({ reason: 'MissingReference', message, retry: false })
      }
    }
  }
  return undefined
}

/** One that has ended stays as it is, so that to try again is another. One that has not is this one. */
const freeName = async ({ environment, version }: Past, objects: Objects): Promise<Result<string>> => {
  const { namespace, name } = environment.metadata
  const parts = ['restore', name, `v${version}`, 'from', `v${environment.status?.version ?? 0}`]
  for (let n = 1; ; n++) {
    const found = derivedName(...parts, ...(n === 1 ? [] : [String(n)]))
    const read = await objects.get('ChangeRequest', `${namespace}/${found}`)
    if (!read.ok) return read
    if (!read.value || !isFinished(phaseOf(read.value.status))) return success(found)
  }
}

/** Those that are to be created, and the request. */
const manifestsOf = (
  { environment, version }: Past,
  { created, changes, name }: Pick<Steps, 'created' | 'changes'> & { readonly name: string },
): object[] => {
  const { namespace, name: place } = environment.metadata
  const head = environment.status?.version ?? 0
  const request = {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeRequest',
    metadata: { name, namespace },
    spec: { changes, reason: `environment ${place} as it was at version ${version} (it is at ${head})` },
  }
  return [
    ...[...created].flatMap(([id, wanted]) => componentOf(id, wanted, place)),
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

const notesOf = (
  { environment, version }: Past,
  { changes, missing, beyond }: Restoration,
  { created, coming, isLater }: Steps,
): string => {
  const notes = beyond.map(
    ({ component, fields }) =>
      `warning: ${component}: ${fields.join(', ')} is other than at version ${version}, and no ChangeRequest changes that; edit the Component`,
  )
  const again = isLater ? '; ask again for the ChangeRequest, which refers to them, when they are committed' : ''
  if (created.size > 0) {
    const are = created.size === 1 ? 'was' : 'were'
    notes.push(`${count(created.size, 'Component')} ${are} deleted since version ${version}, to be created${again}`)
  }
  if (coming.length > 0) {
    const names = coming.map((id) => display(id, environment.metadata.namespace ?? '')).join(', ')
    notes.push(`not committed yet: ${names}${created.size > 0 ? '' : again}`)
  }
  if (changes.length + missing.size === 0)
    notes.push(`${keyOf(environment)} has the config and references of version ${version}: there is nothing to change`)
  return notes.map((note) => `${note}\n`).join('')
}
