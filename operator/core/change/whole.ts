import type { ChangeRequest, Component, Environment } from '../../api/kinds.generated.ts'
import { isFinished, phaseOf } from './status.ts'

/**
 * Whether all that was decided in an environment stands in its Components. While a version is being written they are
 * half there: then only the holder of the lock can tell what is committed, and nobody else may plan or build a graph.
 */
export const isWhole = (
  { status }: Environment,
  find: (kind: 'ChangeRequest' | 'Component', name: string) => ChangeRequest | Component | undefined,
): boolean =>
  (status?.applying ?? []).every(({ kind, name, uid }) => {
    const object = find(kind === 'ChangeRequest' ? kind : 'Component', name)
    if (object?.metadata.uid !== uid) return true
    if (object.kind === 'ChangeRequest') return isFinished(phaseOf(object.status))
    return (kind === 'Creation') === (object.status?.committed !== undefined)
  })
