import type { Condition, Reference } from '../api/kinds.generated.ts'
import { conditionOf } from '../core/change/status.ts'
import { display, idOf, resolveId } from '../core/component/identity.ts'
import { placeholdersOf } from '../core/component/placeholder.ts'
import { referredTo } from '../core/component/reference.ts'
import { outputsRead, unreported } from '../core/component/resolution.ts'
import type { Of } from '../ports/cluster.ts'
import { count } from './count.ts'
import { environmentGates } from './environment-gate.ts'
import { type Explained, type Gate, graphAgain, graphAway } from './explained.ts'

export interface ComponentFacts {
  readonly component: Of<'Component'>
  readonly environment?: Of<'Environment'> | undefined
  /** those it refers to, by full id; undefined: there is none, or it may not be read */
  readonly targets: (id: string) => Of<'Component'> | undefined
  /** committed ones that refer to it; only asked for while it is being deleted */
  readonly dependents: readonly Of<'Component'>[]
  /** requests about it that have not ended */
  readonly changes: readonly Of<'ChangeRequest'>[]
}

/** Why a Component is not Ready or not committed: what it refers to, what the gate says, what is on its way. */
export const explainComponent = (facts: ComponentFacts): Explained => {
  const { component, environment } = facts
  const { metadata, spec, status } = component
  const conditions = status?.conditions ?? []
  const ready = conditionOf(conditions, 'Ready')
  const isReady = ready?.status === 'True'
  const gates = [
    ...commitGates(component),
    ...referenceGates(facts),
    ...dependentGates(facts),
    ...otherGates(conditions),
    ...changeGates(facts),
    ...environmentGates(environment, spec.environment, metadata.name),
  ]
  return {
    kind: 'Component',
    namespace: metadata.namespace ?? '',
    name: `${spec.type}/${spec.nickname}`,
    standing: isReady ? 'Ready' : 'not Ready',
    reason: ready?.reason ?? '',
    message: isReady ? '' : (ready?.message ?? 'Karma has not looked at it yet'),
    since: ready?.lastTransitionTime ?? metadata.creationTimestamp ?? '',
    notes: [],
    gates,
    holders: holdersOf(gates, facts),
    next: nextOf(component, gates),
  }
}

/** What of it was let through, and what is against the rest. */
const commitGates = ({ status }: Of<'Component'>): Gate[] => {
  const { conditions = [], committed } = status ?? {}
  const said = conditionOf(conditions, 'Committed')
  if (!said) return [{ gate: 'commit', verdict: 'Pending', message: 'Karma has not looked at it yet' }]
  if (said.status === 'True') {
    const by = committed?.changeRequest
    const message = `${said.message}${by === undefined ? '' : `, by changerequest/${by}`}`
    return [{ gate: 'commit', verdict: 'Allow', message }]
  }
  // What the gate refuses for good, what only waits, and what nobody has asked for.
  const stalled = conditionOf(conditions, 'Stalled')?.status === 'True'
  const verdict = stalled ? 'Reject' : 'Queue'
  return [{ gate: 'commit', verdict, message: `${said.reason}: ${said.message}` }]
}

const referenceGates = ({ component, targets }: ComponentFacts): Gate[] => {
  const { metadata, spec, status } = component
  const { references = [], config } = status?.committed ?? spec
  const placeholders = placeholdersOf(config)
  return references.map((reference: Reference): Gate => {
    const gate = `reference ${reference.name}`
    const object = reference.component
    const id = resolveId(reference.component, metadata.namespace ?? '')
    const target = id.ok ? targets(id.value) : undefined
    if (!target) return { gate, verdict: 'Reject', object, message: 'there is no such Component that you may read' }
    if (!target.status?.committed) return { gate, verdict: 'Queue', object, message: 'it is not committed' }
    if (!referredTo(component, reference, targets))
      return { gate, verdict: 'Reject', object, message: shutOut(component) }
    const read = outputsRead(reference, placeholders)
    const missing = unreported(target, read)
    if (missing.length > 0) {
      return { gate, verdict: 'Queue', object, message: `it has not reported ${missing.join(', ')}` }
    }
    const what = read.length > 0 ? ` and has reported ${read.join(', ')}` : ''
    return { gate, verdict: 'Allow', object, message: `it is committed${what}` }
  })
}

const shutOut = ({ metadata }: Of<'Component'>): string =>
  `it does not let namespace ${metadata.namespace} refer to it (spec.allowedNamespaces)`

const named = 5

const dependentGates = ({ component, dependents }: ComponentFacts): Gate[] => {
  if (component.metadata.deletionTimestamp === undefined || dependents.length === 0) return []
  const names = dependents.slice(0, named).map((one) => display(idOf(one), component.metadata.namespace ?? ''))
  const more = dependents.length > named ? ` and ${dependents.length - named} more` : ''
  const message = `it is being deleted, and stays while ${count(dependents.length, 'Component')} refer to it`
  return [{ gate: 'deletion', verdict: 'Reject', object: `${names.join(', ')}${more}`, message }]
}

/** Drifted and what else is told; those above are said by the other gates. */
const otherGates = (conditions: readonly Condition[]): Gate[] =>
  conditions
    .filter(({ type, status }) => type === 'Drifted' && status === 'True')
    .map(({ reason, message }) => ({ gate: 'drift', verdict: 'Warn', message: `${reason}: ${message}` }))

const changeGates = ({ changes }: ComponentFacts): Gate[] =>
  changes.map(({ metadata, status }) => ({
    gate: 'change',
    verdict: 'Pending',
    object: `changerequest/${metadata.name}`,
    message: `is ${status?.phase ?? 'Pending'}; kubectl karma why ${metadata.name} says why`,
  }))

/** The state of those that hold it. */
const holdersOf = (gates: readonly Gate[], { component, targets }: ComponentFacts): Explained['holders'] =>
  gates
    .filter(({ gate, verdict }) => gate.startsWith('reference ') && verdict !== 'Allow')
    .map(({ object = '' }) => {
      const id = resolveId(object, component.metadata.namespace ?? '')
      return { object, state: stateOf(id.ok ? targets(id.value) : undefined) }
    })

/** A Component at this moment, in a line. */
export const stateOf = (component: Of<'Component'> | undefined): string => {
  if (!component) return 'is not there, or may not be read'
  const { status, metadata } = component
  const ready = conditionOf(status?.conditions, 'Ready')
  const version = status?.committed ? `committed as version ${status.committed.graphVersion}` : 'not committed'
  const outputs =
    Object.keys(status?.outputs ?? {})
      .sort()
      .join(', ') || 'none'
  const state = status?.runtime?.state === undefined ? '' : `; it runs as ${status.runtime.state}`
  const standing = metadata.deletionTimestamp ? 'being deleted' : ready?.status === 'True' ? 'Ready' : 'not Ready'
  return `${standing}; ${version}; outputs reported: ${outputs}${state}`
}

/** It may neither come nor go before its graph can be read. */
const isBlind = (status: Of<'Component'>['status']): boolean =>
  conditionOf(status?.conditions, 'Ready')?.reason === graphAway

const nextOf = ({ metadata, status }: Of<'Component'>, gates: readonly Gate[]): string => {
  const waiting = gates.filter(({ verdict }) => verdict === 'Queue')
  const held =
    gates.find(({ verdict }) => verdict === 'Reject') ??
    waiting.find(({ object }) => object !== undefined) ??
    waiting[0]
  const committed = conditionOf(status?.conditions, 'Committed')
  if (isBlind(status)) return `it goes on by itself when ${graphAgain}`
  if (metadata.deletionTimestamp !== undefined) {
    return held ? 'delete or change those that refer to it; it goes with the last of them' : 'it is about to go'
  }
  if (committed?.reason === 'Edited') {
    return 'ask for the difference with a ChangeRequest, or set spec back to status.committed'
  }
  if (!held) return 'nothing; nothing holds it'
  return held.verdict === 'Reject'
    ? 'mend what the gate names, in spec; it is looked at again at once'
    : `it goes on by itself when ${held.object ?? 'what holds it'} moves`
}
