import type { ChangeRequest, Component, ComponentStatus, Image } from '../api/kinds.generated.ts'
import { patchBetween } from '../api/merge-patch.ts'
import type { Failure, Result } from '../api/result.ts'
import type { Answer, Member, Target } from '../core/change/commit.ts'
import { contentHash } from '../core/change/hash.ts'
import { componentFrom, imaged, specPatchOf, stateOf } from '../core/change/image.ts'
import { patchOfUntouched } from '../core/change/patch.ts'
import { nameIn } from '../core/component/identity.ts'
import { committedStatus, removedStatus } from '../core/component/status.ts'
import { hashOf, type Wanted, wantedOf } from '../core/component/wanted.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import { changeAnnotation } from './component.ts'

export interface ComponentEffectsDependencies<Content> {
  readonly environmentKey: string
  readonly cluster: Cluster
  readonly caches: Pick<Caches, 'Component'>
  readonly clock: Pick<Clock, 'now'>
  /** the request that a member carries out, as it was written ahead */
  readonly requestOf: (member: Member<Content>) => ChangeRequest | undefined
}

/**
 * Step 8 of a change: what it does to its Components. Everything that is written stands in the request's images, so
 * that whoever takes over writes the same.
 */
export const makeComponentEffects = <Content>(dependencies: ComponentEffectsDependencies<Content>) => {
  const { environmentKey, cluster, caches, clock, requestOf } = dependencies
  const namespace = environmentKey.slice(0, environmentKey.indexOf('/'))
  /** as this holder read or wrote them last, by name */
  const components = new Map<string, Of<'Component'>>()
  const keyOf = (name: string): string => `${namespace}/${name}`

  const keep = (component: Of<'Component'>): string => {
    components.set(component.metadata.name, component)
    return component.metadata.resourceVersion ?? ''
  }
  const answerOf = (result: Result<Of<'Component'>>): Answer<Content> =>
    result.ok ? { is: 'Written', resourceVersion: keep(result.value) } : answerOfFailure(result.failure)

  const componentOf = ({ component, resourceVersion }: Target): Of<'Component'> | undefined => {
    const found = components.get(component) ?? caches.Component.get(keyOf(component))
    return found?.metadata.resourceVersion === resourceVersion ? found : undefined
  }
  const imageOf = (member: Member<Content>, { component }: Target): Image | undefined =>
    requestOf(member)?.status?.images?.find((image) => nameIn(namespace, image.component) === component)

  const isEdit = (member: Member<Content>): boolean => requestOf(member)?.spec.origin === 'Edit'

  const create = async (image: Image, annotations: Record<string, string>): Promise<Answer<Content>> => {
    const anew = componentFrom(image, namespace)
    if (!anew) return noImage(image.component)
    return answerOf(await cluster.createComponent({ ...anew, metadata: { ...anew.metadata, annotations } }))
  }

  const remove = async (component: Of<'Component'>): Promise<Answer<Content>> => {
    const left = await cluster.deleteComponent(component)
    if (!left.ok) return answerOfFailure(left.failure)
    return left.value ? { is: 'Written', resourceVersion: keep(left.value) } : { is: 'Gone' }
  }

  /** What somebody edited meanwhile is left theirs. */
  const patch = async (
    image: Image,
    component: Of<'Component'>,
    annotations: Record<string, string>,
  ): Promise<Answer<Content>> => {
    const before = stateOf(wantedOf(component.status?.committed ?? {}))
    const wished = patchBetween(before, stateOf(afterOf(image, component)))
    const untouched = patchOfUntouched(wished, before, stateOf(wantedOf(component.spec)))
    if (Object.keys(untouched).length === 0) return { is: 'Written', resourceVersion: keep(component) }
    return answerOf(await cluster.writeSpec(component, specPatchOf(untouched, component.spec), annotations))
  }

  const statusAfter = (
    component: Of<'Component'>,
    member: Member<Content>,
    target: Target,
    version: number,
  ): ComponentStatus | undefined => {
    const { kind, name, uid } = member.applying
    const now = clock.now()
    if (kind === 'Removal') return removedStatus(component, { version, now })
    if (kind === 'Creation') return committedStatus(component, { wanted: wantedOf(component.spec), version, now })
    const image = imageOf(member, target)
    const request = requestOf(member)
    if (!image || !request) return undefined
    const change = { name, uid, hash: contentHash(request.spec) }
    if (image.after === 'null') return removedStatus(component, { version, now, change })
    return committedStatus(component, { wanted: afterOf(image, component), version, change, now })
  }

  return {
    /** A new batch: what is in the cache by now is newer. */
    forget: () => components.clear(),

    async writeSpec(member: Member<Content>, target: Target): Promise<Answer<Content>> {
      const image = imageOf(member, target)
      if (!image) return noImage(target.component)
      const annotations = { [changeAnnotation]: member.applying.uid }
      if (target.resourceVersion === '') return create(image, annotations)
      const component = componentOf(target)
      if (!component) return { is: 'Conflict' }
      // What is let through of an edit stands in spec already, and may have been edited again since.
      if (isEdit(member)) return { is: 'Written', resourceVersion: keep(component) }
      return image.after === 'null' ? remove(component) : patch(image, component, annotations)
    },

    async writeCommitted(version: number, member: Member<Content>, target: Target): Promise<Answer<Content>> {
      const component = componentOf(target)
      if (!component) return { is: 'Conflict' }
      const status = statusAfter(component, member, target, version)
      return status ? answerOf(await cluster.writeStatus('Component', component, status)) : noImage(target.component)
    },

    async reread(version: number, member: Member<Content>, target: Target): Promise<Answer<Content>> {
      const component = await cluster.read('Component', keyOf(target.component))
      if (!component.ok) return answerOfFailure(component.failure)
      const seen = await cluster.read('Environment', environmentKey)
      if (!seen.ok) return answerOfFailure(seen.failure)
      const environment = seen.value?.metadata.resourceVersion ?? ''
      const image = imageOf(member, target)
      if (!component.value) {
        // One that the change makes anew is still to be made.
        const anew = { resourceVersion: '', carries: false, edited: false }
        return { is: 'Component', environment, ...(image?.before === 'null' && { component: anew }) }
      }
      const carries = isCarried(member, image, component.value, version)
      const edited = isAnother(member, image, component.value)
      return { is: 'Component', environment, component: { resourceVersion: keep(component.value), carries, edited } }
    },
  }
}

/** What the change makes of what is committed. */
const afterOf = (image: Image, { status }: Component): Wanted =>
  imaged(image.after, status?.committed ? wantedOf(status.committed) : null) ?? {}

const isCarried = ({ applying }: Member<unknown>, image: Image | undefined, { status }: Component, version: number) => {
  const goes = applying.kind === 'Removal' || image?.after === 'null'
  return goes ? !status?.committed : (status?.committed?.graphVersion ?? 0) >= version
}

/** No longer the one that was decided on: it was deleted and made again, or, of a creation, edited. */
const isAnother = ({ applying }: Member<unknown>, image: Image | undefined, { metadata, spec }: Component): boolean => {
  if (applying.kind === 'ChangeRequest') return image?.uid !== undefined && image.uid !== metadata.uid
  if (applying.uid !== metadata.uid) return true
  return applying.kind === 'Creation' && applying.hash !== hashOf(wantedOf(spec))
}

const noImage = <C>(component: string): Answer<C> => ({
  is: 'Unknown',
  failure: {
    reason: 'InvalidObject',
    message: `status.images: expected what the change writes into Component ${component}, found none that can be read`,
    retry: true,
  },
})

export const answerOfFailure = <C>(failure: Failure): Answer<C> => {
  const { reason } = failure
  const isConflict = ['Conflict', 'AlreadyExists', 'VersionTaken', 'VersionGap', 'Displaced'].includes(reason)
  if (isConflict) return { is: 'Conflict' }
  return reason === 'NotFound' ? { is: 'Gone' } : { is: 'Unknown', failure }
}
