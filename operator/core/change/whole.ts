import type { Applying, ChangeRequest, Component, Environment } from '../../api/kinds.generated.ts'
import { isNewer } from '../../api/resource-version.ts'
import { nameIn } from '../component/identity.ts'
import { environmentIn, isCarried } from './image.ts'
import { isFinished, phaseOf } from './status.ts'

type Find = (kind: 'ChangeRequest' | 'Component', name: string) => ChangeRequest | Component | undefined

/**
 * Whether all that was decided in an environment stands in its Components. While a version is being written they are
 * half there: then only the holder of the lock can tell what is committed, and nobody else may plan or build a graph.
 * `find`: in what is of one moment; requests that have ended may be missing there.
 */
export const isWhole = ({ status }: Environment, find: Find): boolean =>
  (status?.applying ?? []).every(({ kind, name, uid }) => {
    const object = find(kind === 'ChangeRequest' ? kind : 'Component', name)
    if (object?.metadata.uid !== uid) return true
    if (object.kind === 'ChangeRequest') return isFinished(phaseOf(object.status))
    return (kind === 'Creation') === isCommitted(object)
  })

/**
 * The same where kinds are watched each by itself: an Environment may be known whose Components are not yet, and what is
 * missing may have yet to come. `reached`: Components are known up to this resourceVersion.
 */
export const isKnownWhole = (environment: Environment, find: Find, reached: string): boolean =>
  !isAhead(environment, reached) &&
  (environment.status?.applying ?? []).every((entry) => isKnownDone(entry, environment, find))

const isAhead = ({ metadata, status }: Environment, reached: string): boolean => {
  const { committedResourceVersion: highest = '0' } = status ?? {}
  // One above the Environment's own is of another etcd (a restored backup), and would never be reached.
  return isNewer(highest, reached) && !isNewer(highest, metadata.resourceVersion ?? '')
}

const isKnownDone = ({ kind, name, uid }: Applying, environment: Environment, find: Find): boolean => {
  const object = find(kind === 'ChangeRequest' ? kind : 'Component', name)
  // It has left, or another one of its name has come: of that nothing may be committed.
  if (kind === 'Removal') return object === undefined || !isCommitted(object)
  if (object?.metadata.uid !== uid) return false
  return object.kind === 'ChangeRequest' ? isKnownApplied(object, environment, find) : isCommitted(object)
}

const isKnownApplied = ({ metadata, status }: ChangeRequest, environment: Environment, find: Find): boolean => {
  if (!isFinished(phaseOf(status))) return false
  const { version = 0 } = environment.status ?? {}
  return (status?.images ?? []).every((image) => {
    const component = find('Component', nameIn(metadata.namespace ?? '', image.component)) as Component | undefined
    const place = environmentIn(image) ?? component?.spec.environment
    const isElsewhere = place !== undefined && place !== environment.metadata.name
    return isElsewhere || isCarried(image, component?.status?.committed?.graphVersion, version)
  })
}

const isCommitted = (object: ChangeRequest | Component): boolean =>
  object.kind === 'Component' && object.status?.committed !== undefined
