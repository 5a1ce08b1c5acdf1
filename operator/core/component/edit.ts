import { hash } from 'node:crypto'
import type { ChangeRequest, Component, Phase } from '../../api/kinds.generated.ts'
import { faultMessage, type Parsed } from '../../api/parse.ts'
import { conditionOf } from '../change/status.ts'
import { derivedName, display, idOf } from './identity.ts'
import { hashOf, wantedOf } from './wanted.ts'

/*
 * A direct edit: somebody changed the spec of a committed Component (kubectl edit, Argo CD). It passes the gate like
 * every change, as a ChangeRequest that Karma asks for in their name.
 */

export interface Edit {
  /** of its ChangeRequest: the same for the same edit of the same committed state, whoever finds it */
  readonly name: string
  readonly wantedHash: string
  readonly editor: string
}

/** on a Component: who changed its spec last, stamped at admission */
const editedBy = 'usekarma.dev/edited-by'

/** What spec wants differs from what is committed. */
export const editOf = (component: Component): Edit | undefined => {
  const { metadata, spec, status } = component
  const { committed } = status ?? {}
  if (!committed || metadata.deletionTimestamp) return undefined
  const wantedHash = hashOf(wantedOf(spec))
  if (wantedHash === committed.hash) return undefined
  // With the version: the same edit after a change there and back is another one.
  const from = [metadata.uid, committed.hash, committed.graphVersion, wantedHash].join('\n')
  const name = derivedName(metadata.name, hash('sha256', from).slice(0, 10))
  return { name, wantedHash, editor: metadata.annotations?.[editedBy] ?? 'unknown' }
}

export const requestOfEdit = (component: Component, { name, wantedHash, editor }: Edit): ChangeRequest => {
  const { namespace = '', annotations = {} } = component.metadata
  return {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeRequest',
    metadata: { namespace, name },
    spec: {
      component: display(idOf(component), namespace),
      origin: 'Edit',
      wantedHash,
      reason: `spec of Component ${component.metadata.name} was edited${annotations[editedBy] ? ` by ${editor}` : ''}`,
      requestedBy: { username: editor },
    },
  }
}

/** How an edit fares: the phase of its request and why. Without a name there is none: the spec cannot be read. */
export interface EditStanding {
  readonly name?: string
  readonly phase: Phase
  readonly reason: string
  readonly message: string
}

/** `request`: by name, in the Component's namespace. */
export const standingOfEdit = (
  component: Parsed<Component>,
  requestNamed: (name: string) => ChangeRequest | undefined,
): EditStanding | undefined => {
  // A value with a fault was left out at the edge: what is left of the spec must not be judged.
  const fault = component.status?.committed && component.faults.find(({ path }) => path.startsWith('spec.'))
  if (fault) {
    const message = faultMessage(`Component ${display(idOf(component), component.metadata.namespace ?? '')}`, fault)
    return { phase: 'Rejected', reason: fault.reason, message }
  }
  const edit = editOf(component)
  if (!edit) return undefined
  const { name } = edit
  const request = requestNamed(name)
  const why = conditionOf(request?.status?.conditions, 'Succeeded')
  return { name, phase: request?.status?.phase ?? 'Pending', reason: why?.reason ?? '', message: why?.message ?? '' }
}
