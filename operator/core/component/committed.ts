import type { BlockedBy, Component } from '../../api/kinds.generated.ts'
import { emptyObject } from '../../api/merge-patch.ts'
import { cut } from '../../api/text.ts'
import { bounds } from '../change/bounds.ts'
import { conditionOf } from '../change/status.ts'
import type { Known } from '../guard/facts.ts'
import { idOf } from './identity.ts'

/** A Component as it was let through; undefined: it was not yet. */
export const knownOf = (component: Component): Known | undefined => {
  const { committed } = component.status ?? {}
  if (!committed) return undefined
  const { config = emptyObject(), references = [], allowedNamespaces } = committed
  return { id: idOf(component), component, config, references, allowedNamespaces }
}

/** A Component that is not committed yet holds its changes back; undefined: it is committed. */
export const uncommittedOf = ({ metadata, spec, status }: Component): BlockedBy | undefined => {
  if (status?.committed) return undefined
  const object = `${spec.type}/${spec.nickname}`
  const why = conditionOf(status?.conditions, 'Committed')
  const because = why ? `: ${why.message}` : ''
  const message = `Component ${object}: expected to be committed before it is changed, found ${metadata.deletionTimestamp ? 'it is being deleted' : 'it is not yet'}${because}`
  return { reason: 'UnknownComponent', object, message: cut(message, bounds.entryMessage) }
}
