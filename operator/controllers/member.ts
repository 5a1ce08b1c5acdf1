import type { ChangeRequest } from '../api/kinds.generated.ts'
import { emptyObject } from '../api/merge-patch.ts'
import { bounds } from '../core/change/bounds.ts'
import type { Member, Target } from '../core/change/commit.ts'
import type { Admitted } from '../core/change/creation.ts'
import type { Item } from '../core/change/item.ts'
import type { Step } from '../core/change/life.ts'
import { vertexOf } from '../core/change/plan.ts'
import { positionOf } from '../core/change/queue.ts'
import { waitsAsBefore } from '../core/change/request-status.ts'
import { idOf } from '../core/component/identity.ts'
import { hashOf } from '../core/component/wanted.ts'
import type { World } from '../core/guard/facts.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import type { Content } from './passage.ts'

/* What was planned, as members of a batch that the commit protocol carries out (core/change/commit.ts). */

export const creationOf = ({ id, component, wanted }: Admitted, world: World): Member<Content> => {
  const { config = emptyObject(), references = [] } = wanted
  return componentMember(
    component,
    { kind: 'Creation', hash: hashOf(wanted) },
    {
      wanted,
      patch: [vertexOf({ id, config, references }, component.spec.type, world)],
    },
  )
}

export const removalOf = (component: Of<'Component'>): Member<Content> =>
  componentMember(component, { kind: 'Removal' }, { patch: [{ id: idOf(component), removed: true }] })

const componentMember = (
  { metadata: { name, uid = '', resourceVersion = '' } }: Admitted['component'],
  applying: { readonly kind: 'Creation' | 'Removal'; readonly hash?: string },
  content: Content,
): Member<Content> => ({
  applying: { ...applying, name, uid },
  stage: 'Ahead',
  resourceVersion: '',
  targets: [{ component: name, resourceVersion, stage: 'Committed' }],
  content,
})

export const requestMember = (
  request: Of<'ChangeRequest'>,
  stage: 'Settle' | 'WriteAhead',
  targets: readonly Target[],
  content: Content,
): Member<Content> => {
  const { name, uid = '', resourceVersion = '' } = request.metadata
  return { applying: { kind: 'ChangeRequest', name, uid }, stage, resourceVersion, targets, content }
}

/** A request that does not pass, with what is to be written of it. Undefined: nothing is. */
export const settledMember = (
  request: Of<'ChangeRequest'>,
  step: Step,
  world: World,
  caches: Pick<Caches, 'ChangeRequest'>,
): Member<Content> | undefined => {
  if (step.to === 'Stay' || step.to === 'Pass' || waitsAsBefore(request, step)) return undefined
  const position = positionOf(request, caches.ChangeRequest.byIndex('queued', world.environmentKey))
  return requestMember(request, 'Settle', [], { request, step, world, position })
}

/** What of these a request writes. */
export const targetsOf = (items: readonly Item[], request: ChangeRequest): Target[] =>
  items.filter(({ changedPaths }) => changedPaths.length > 0).map((item) => targetOf(item, request))

/** Without a resourceVersion: it is made anew. */
const targetOf = ({ component: { metadata }, before }: Item, { spec }: ChangeRequest): Target => {
  const resourceVersion = before === null ? '' : (metadata.resourceVersion ?? '')
  // An edit is in spec already.
  return { component: metadata.name, resourceVersion, stage: spec.origin === 'Edit' ? 'Committed' : 'Spec' }
}

/** As many as fit where they are written down; the rest passes next. */
export const bounded = (members: readonly Member<Content>[]): Member<Content>[] => {
  let size = 0
  return members.filter((member) => {
    size += sizeOf(member)
    return size <= bounds.applyingBytes
  })
}

/** Whether no more fits beside these. */
export const isFull = (members: readonly Member<Content>[]): boolean =>
  members.reduce((sum, member) => sum + sizeOf(member), 0) > bounds.applyingBytes

const sizeOf = ({ applying: { name, hash = '' } }: Member<Content>): number => 96 + name.length + hash.length
