import { failure, type Result, success } from '../api/result.ts'
import { changedNames } from '../core/change/queue.ts'
import { display, identityOf, keyOfId, resolveId, undisplay } from '../core/component/identity.ts'
import { refersTo } from '../core/component/reference.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import { readChange } from './change.ts'
import type { Explained } from './explained.ts'
import { explainedText } from './explained-text.ts'
import { type Format, outputOption, serialized, withConnection } from './output.ts'
import { unfinished } from './subject.ts'
import { targetOf } from './target.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'
import { explainChange } from './why-change.ts'
import { explainComponent, stateOf } from './why-component.ts'

interface WhyFlags extends CommonFlags {
  readonly output: Format
}

const help = `
Every gate that it has to pass, what the gate says, and the object that holds it. Gates that say yes are summed up.

Examples:
  kubectl karma why new-alias -n dev                    # a change
  kubectl karma why lambda-function/thumbnails -n dev   # a Component: why is it not Ready, not committed?
  kubectl karma why component/s3-bucket.shared -o json
`

export const addWhy: Verb = (program, run) => {
  const command = program
    .command('why')
    .description('say why a change, or a Component, stands where it stands')
    .argument('<what>', 'NAME of a ChangeRequest; TYPE/NICKNAME of a Component; or KIND/NAME')
    .addOption(outputOption())
    .addHelpText('after', help)
  withConnection(command).action((what: string, flags: WhyFlags) => run(flags, (desk) => why(what, flags, desk)))
}

const why = async (text: string, { output }: WhyFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const target = targetOf(text, namespace)
  if (!target.ok) return target
  const explained =
    target.value.of === 'ChangeRequest'
      ? await whyChange(target.value.key, session.objects, terminal.now())
      : await whyComponent(target.value.id, session.objects)
  if (!explained.ok) return explained
  const { colours, width } = terminal
  terminal.out(
    output === 'table'
      ? explainedText(explained.value, { colours, width, now: terminal.now() })
      : serialized(explained.value, output),
  )
  return success(0)
}

/** What may not be read is left out: the request itself says most. */
const known = async <T>(read: Promise<Result<T>>): Promise<T | undefined> => {
  const result = await read
  return result.ok ? result.value : undefined
}

const whyChange = async (key: string, objects: Objects, now: number): Promise<Result<Explained>> => {
  const read = await readChange(objects, key)
  if (!read.ok) return read
  const request = read.value
  const { namespace = '', name, uid } = request.metadata
  const changed = await changedIn(request, objects)
  const place = request.status?.environment ?? changed[0]?.spec.environment
  const [environment, open, approvals, guards, holders] = await Promise.all([
    place === undefined ? undefined : known(objects.get('Environment', `${namespace}/${place}`)),
    known(objects.list('ChangeRequest', { namespace, fields: unfinished })),
    known(objects.list('ChangeApproval', { namespace })),
    guardsOf(changed, namespace, objects),
    Promise.all(heldBy(request).map(async (object) => ({ object, state: await stateNow(object, namespace, objects) }))),
  ])
  const others = (open?.items ?? []).filter(
    ({ metadata, status }) => metadata.uid !== uid && status?.environment === place,
  )
  const about = (approvals?.items ?? []).filter(({ spec }) => spec.changeRequest === name)
  return success(explainChange({ request, place, environment, guards, others, approvals: about, holders, now }))
}

/** Objects that its status names as holding it. */
const heldBy = ({ status }: Of<'ChangeRequest'>): string[] => {
  const { plan, blockedBy = [] } = status ?? {}
  const against = (plan?.verdicts ?? []).filter(({ verdict }) => verdict === 'Reject' || verdict === 'Queue')
  return [...new Set([...blockedBy, ...against].flatMap(({ object }) => object ?? []))]
}

const stateNow = async (object: string, namespace: string, objects: Objects): Promise<string> => {
  const [place = '', kind, name] = undisplay(object, namespace).split('/')
  if (kind === 'changerequest') {
    const other = await objects.get('ChangeRequest', `${place}/${name}`)
    if (!other.ok) return other.failure.reason
    return other.value ? (other.value.status?.phase ?? 'Pending') : 'is not there any more'
  }
  if (kind === 'environment') {
    const environment = await objects.get('Environment', `${place}/${name}`)
    if (!environment.ok) return environment.failure.reason
    return environment.value ? `at version ${environment.value.status?.version ?? 0}` : 'is not there any more'
  }
  const id = resolveId(object, namespace)
  const component = id.ok ? await componentAt(id.value, objects) : undefined
  if (!component) return ''
  return component.ok ? stateOf(component.value) : component.failure.reason
}

const componentAt = async (id: string, objects: Objects): Promise<Result<Of<'Component'> | undefined>> => {
  const key = keyOfId(id)
  return key.ok ? objects.get('Component', key.value) : key
}

/** The Components that it is about, as far as they may be read. */
const changedIn = async (request: Of<'ChangeRequest'>, objects: Objects): Promise<Of<'Component'>[]> => {
  const { namespace = '' } = request.metadata
  const ids = changedNames(request).flatMap((name) => {
    const id = resolveId(name, namespace)
    return id.ok ? [id.value] : []
  })
  const components = await Promise.all(ids.map((id) => known(componentAt(id, objects))))
  return components.filter((one) => one !== undefined)
}

/** Names of all guards that are asked about a change of these Components, as far as they may be read. */
const guardsOf = async (
  components: readonly Of<'Component'>[],
  namespace: string,
  objects: Objects,
): Promise<string[]> => {
  const typeNames = new Set(components.map(({ spec }) => spec.type))
  const places = new Set(components.map(({ spec }) => spec.environment))
  const [types, environments] = await Promise.all([
    Promise.all([...typeNames].map((name) => known(objects.get('ComponentType', name)))),
    Promise.all([...places].map((name) => known(objects.get('Environment', `${namespace}/${name}`)))),
  ])
  const declared = [...types, ...environments].flatMap((one) => one?.spec?.guards ?? []).map((guard) => guard.name)
  // Loaded when needed: the guards bring their language along.
  const { builtInGuards } = await import('../core/guard/list.ts')
  return [...builtInGuards, ...declared]
}

const whyComponent = async (id: string, objects: Objects): Promise<Result<Explained>> => {
  const read = await componentAt(id, objects)
  if (!read.ok) return read
  const component = read.value
  if (!component) return notThere(id)
  const { namespace = '', deletionTimestamp } = component.metadata
  const own = display(id, namespace)
  const references = (component.status?.committed ?? component.spec).references ?? []
  const ids = references.flatMap((reference) => {
    const target = resolveId(reference.component, namespace)
    return target.ok ? [target.value] : []
  })
  const [environment, open, targets, dependents] = await Promise.all([
    known(objects.get('Environment', `${namespace}/${component.spec.environment}`)),
    known(objects.list('ChangeRequest', { namespace, fields: unfinished })),
    Promise.all(ids.map(async (target) => [target, await known(componentAt(target, objects))] as const)),
    deletionTimestamp === undefined ? [] : dependentsOf(component, objects),
  ])
  const byId = new Map(targets)
  const changes = (open?.items ?? []).filter((request) => changedNames(request).includes(own))
  return success(explainComponent({ component, environment, targets: (one) => byId.get(one), dependents, changes }))
}

/** In all namespaces that may refer to it, as far as they may be read. */
const dependentsOf = async (component: Of<'Component'>, objects: Objects): Promise<Of<'Component'>[]> => {
  const { namespace = '' } = component.metadata
  const places = [namespace, ...(component.status?.committed?.allowedNamespaces ?? [])]
  const lists = await Promise.all(places.map((place) => known(objects.list('Component', { namespace: place }))))
  return lists.flatMap((list) => list?.items ?? []).filter((other) => refersTo(other, component))
}

const notThere = (id: string): Result<never> => {
  const at = identityOf(id)
  const where = at.ok ? `; see kubectl get components -n ${at.value.namespace}` : ''
  return failure({
    reason: 'NotFound',
    message: `Component ${id}: expected one of that name, found none${where}`,
    retry: false,
  })
}
