import type { Applying, Image, Prepared } from '../api/kinds.generated.ts'
import { type Result, success } from '../api/result.ts'
import { aheadIn, fateOf, targetsIn, undecidedIn } from '../core/change/ahead.ts'
import type { Answer, Held, Member, Stale, Target } from '../core/change/commit.ts'
import { environmentIn, isCarried } from '../core/change/image.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import { environmentKey as keyOfEnvironment, nameIn } from '../core/component/identity.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import type { Content } from './passage.ts'

/** How a Component stands, or what stands for it; undefined: it is gone. */
export type Reread = NonNullable<Extract<Answer<Content>, { is: 'Component' }>['component']>

export interface Seen {
  readonly open: readonly Member<Content>[]
  readonly stale: readonly Stale[]
}

export interface LookDependencies {
  readonly cluster: Pick<Cluster, 'read'>
  readonly caches: Pick<Caches, 'ChangeRequest' | 'Component'>
}

/**
 * What others have left under way in an environment. What is decided there is read from the server; what was written ahead,
 * and neither decided nor prepared, the informer knows (docs/decisions/0030).
 */
export const makeLook = (environmentKey: string, { cluster, caches }: LookDependencies) => {
  const namespace = environmentKey.slice(0, environmentKey.indexOf('/'))

  const readRequest = ({ name }: { readonly name: string }) => cluster.read('ChangeRequest', `${namespace}/${name}`)

  /** undefined: it was deleted by force, and nobody can say what it was about. */
  const openOf = async (applying: Applying): Promise<Result<Member<Content> | undefined>> => {
    if (applying.kind !== 'ChangeRequest') return success(memberOf(applying, '', [rereadOf(applying.name)], {}))
    const read = await readRequest(applying)
    if (!read.ok) return read
    return read.value?.metadata.uid === applying.uid ? requestMember(applying, read.value) : success(undefined)
  }

  const requestMember = async (applying: Applying, request: Of<'ChangeRequest'>): Promise<Result<Member<Content>>> => {
    const finished = isFinished(phaseOf(request.status))
    const known = await knowAll(request.status?.images ?? [])
    if (!known.ok) return known
    const targets = targetsIn(request, environmentKey, placeOf)
    const member = memberOf(applying, request.metadata.resourceVersion ?? '', targets, { request })
    return success({ ...member, finished })
  }

  /** Where they are is concluded from what the caches have; what they do not have is read, and then they have it. */
  const knowAll = async (images: readonly Image[]): Promise<Result<undefined>> => {
    for (const image of images) {
      if (placeOf(image) !== undefined) continue
      const read = await cluster.read('Component', keyOf(image))
      if (!read.ok) return read
    }
    return success(undefined)
  }

  const placeOf = (image: Image): string | undefined => {
    const environment = environmentIn(image) ?? caches.Component.get(keyOf(image))?.spec.environment
    return environment === undefined ? undefined : keyOfEnvironment(namespace, environment)
  }
  const keyOf = ({ component }: Image): string => `${namespace}/${nameIn(namespace, component)}`

  /** What has become of a change over several environments that was prepared here: its request says, on the server. */
  const lookAtPrepared = async (prepared: Prepared): Promise<Result<Seen>> => {
    const read = await readRequest(prepared)
    if (!read.ok) return read
    const request = read.value
    const fate = fateOf(prepared, environmentKey, request)
    if (!request || fate === 'Withdrawn') return success({ open: [], stale: [] })
    if (fate === 'Undecided') return success({ open: [], stale: [staleOf(request, prepared.claim)] })
    const { name, uid } = prepared
    const member = await requestMember({ kind: 'ChangeRequest', name, uid }, request)
    return member.ok ? success({ open: [{ ...member.value, stage: 'Ahead' }], stale: [] }) : member
  }

  /** Written ahead here, and not decided. */
  const staleBeside = (known: ReadonlySet<string>): Stale[] =>
    [...caches.ChangeRequest.byIndex('applying', environmentKey)].flatMap((request) => {
      const claim = undecidedIn(request, environmentKey)
      return claim === undefined || known.has(request.metadata.uid ?? '') ? [] : [staleOf(request, claim)]
    })

  /** `wanted`: the version that its part there has; 0: of one that has finished everywhere */
  const readComponent = async (
    { component }: Target,
    request: Of<'ChangeRequest'> | undefined,
    wanted: number,
  ): Promise<Result<Reread | undefined>> => {
    const read = await cluster.read('Component', `${namespace}/${component}`)
    if (!read.ok) return read
    const image = request?.status?.images?.find((one) => nameIn(namespace, one.component) === component)
    // One that the change makes anew is still to be made, one that it takes away may be gone.
    const isExpected = image?.before === 'null' || image?.after === 'null'
    if (!read.value && !isExpected) return success(undefined)
    const { metadata, status } = read.value ?? {}
    const carries = wanted === 0 || isCarried(image, status?.committed?.graphVersion, wanted)
    const edited = image?.uid !== undefined && metadata !== undefined && image.uid !== metadata.uid
    return success({ resourceVersion: metadata?.resourceVersion ?? '', carries, edited })
  }

  return {
    async look({ applying, prepared }: Held): Promise<Result<Seen>> {
      const open: Member<Content>[] = []
      for (const entry of applying) {
        const member = await openOf(entry)
        if (!member.ok) return member
        if (member.value) open.push(member.value)
      }
      const waiting = prepared ? await lookAtPrepared(prepared) : success<Seen>({ open: [], stale: [] })
      if (!waiting.ok) return waiting
      open.push(...waiting.value.open)
      const read = [...applying, ...waiting.value.stale, ...waiting.value.open.map((member) => member.applying)]
      const beside = staleBeside(new Set(read.map(({ uid }) => uid)))
      return success({ open, stale: [...waiting.value.stale, ...beside] })
    },

    /** How far the part of a change in another environment has come. Nothing is written there from here. */
    async readPart(member: Member<Content>, target: Target): Promise<Result<Reread | undefined>> {
      const { content, finished = false } = member
      const { component, elsewhere = '' } = target
      const wanted = (content.request && aheadIn(content.request, elsewhere)?.version) ?? 0
      if (component !== elsewhere) return readComponent(target, content.request, finished ? 0 : wanted)
      const read = await cluster.read('Environment', elsewhere)
      if (!read.ok) return read
      const carries = finished || (read.value?.status?.version ?? 0) >= wanted
      return success({ resourceVersion: '0', carries, edited: false })
    },
  }
}

const rereadOf = (component: string): Target => ({ component, resourceVersion: '', stage: 'Reread' })

const memberOf = (
  applying: Applying,
  resourceVersion: string,
  targets: readonly Target[],
  content: Content,
): Member<Content> => ({
  applying,
  stage: targets.length > 0 ? 'Commit' : 'Finish',
  resourceVersion,
  targets,
  content,
})

const staleOf = (
  { metadata: { name, uid = '', resourceVersion = '' } }: Of<'ChangeRequest'>,
  claim: string,
): Stale => ({
  name,
  uid,
  resourceVersion,
  claim,
})
