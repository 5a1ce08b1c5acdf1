import type { Applying, ChangeRequest, Prepared } from '../api/kinds.generated.ts'
import { type Result, success } from '../api/result.ts'
import { aheadIn, fateOf, targetsIn, undecidedIn } from '../core/change/ahead.ts'
import type { Answer, Held, Member, Stale, Target } from '../core/change/commit.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import { environmentKey as keyOfEnvironment, nameOfId, resolveId } from '../core/component/identity.ts'
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

  const readRequest = (named: { readonly namespace?: string; readonly name: string }) =>
    cluster.read('ChangeRequest', `${named.namespace ?? namespace}/${named.name}`)

  /** undefined: it was deleted by force, and nobody can say what it was about. */
  const openOf = async (applying: Applying): Promise<Result<Member<Content> | undefined>> => {
    const open = { applying, stage: 'Commit', resourceVersion: '', content: {} } as const
    if (applying.kind !== 'ChangeRequest') return success({ ...open, targets: [rereadOf(applying.name)] })
    const read = await readRequest(applying)
    if (!read.ok) return read
    return success(read.value?.metadata.uid === applying.uid ? requestMember(applying, read.value) : undefined)
  }

  const requestMember = (applying: Applying, request: Of<'ChangeRequest'>): Member<Content> => {
    const finished = isFinished(phaseOf(request.status))
    const isAhead = request.status?.writeAhead !== undefined
    const targets = isAhead ? targetsIn(request, environmentKey) : targetsAskedFor(request)
    const { resourceVersion = '' } = request.metadata
    return { applying, stage: 'Commit', resourceVersion, targets, finished, content: { request } }
  }

  /** What it was about is said by what it asked for, once what was written ahead is gone. */
  const targetsAskedFor = ({ metadata, spec }: ChangeRequest): Target[] => {
    const id = resolveId(spec.component, metadata.namespace ?? '')
    const at = id.ok ? nameOfId(id.value) : id
    if (!at.ok) return []
    const key = `${at.value.namespace}/${at.value.name}`
    const component = caches.Component.get(key)
    const elsewhere = component && keyOfEnvironment(at.value.namespace, component.spec.environment)
    if (elsewhere === undefined || elsewhere === environmentKey) return [rereadOf(at.value.name)]
    return [{ ...rereadOf(key), elsewhere }]
  }

  /** What has become of a change over several environments that was prepared here: its request says, on the server. */
  const lookAtPrepared = async (prepared: Prepared): Promise<Result<Seen>> => {
    const read = await readRequest(prepared)
    if (!read.ok) return read
    const request = read.value
    const fate = fateOf(prepared, environmentKey, request)
    if (!request || fate === 'Withdrawn') return success({ open: [], stale: [] })
    if (fate === 'Undecided') return success({ open: [], stale: [staleOf(request, prepared.claim)] })
    const { claim: _, namespace: own, ...named } = prepared
    const applying = { kind: 'ChangeRequest', ...named, ...(own !== namespace && { namespace: own }) } as const
    return success({ open: [{ ...requestMember(applying, request), stage: 'Ahead' }], stale: [] })
  }

  /** Written ahead here, and not decided. */
  const staleBeside = (known: ReadonlySet<string>): Stale[] =>
    [...caches.ChangeRequest.byIndex('applying', environmentKey)].flatMap((request) => {
      const claim = undecidedIn(request, environmentKey)
      return claim === undefined || known.has(request.metadata.uid ?? '') ? [] : [staleOf(request, claim)]
    })

  return {
    async look({ applying, prepared }: Held): Promise<Result<Seen>> {
      const open: Member<Content>[] = []
      for (const entry of applying) {
        const member = await openOf(entry)
        if (!member.ok) return member
        if (member.value) open.push(member.value)
      }
      const waiting = prepared ? await lookAtPrepared(prepared) : success({ open: [], stale: [] })
      if (!waiting.ok) return waiting
      open.push(...waiting.value.open)
      const read = [...applying, ...waiting.value.stale, ...waiting.value.open.map((member) => member.applying)]
      const beside = staleBeside(new Set(read.map(({ uid }) => uid)))
      return success({ open, stale: [...waiting.value.stale, ...beside] })
    },

    /** How far the part of a change in another environment has come. Nothing is written there from here. */
    async readPart(
      { content: { request }, finished = false }: Member<Content>,
      { component, elsewhere = '' }: Target,
    ): Promise<Result<Reread | undefined>> {
      const wanted = (request && aheadIn(request, elsewhere)?.version) ?? 0
      if (component === elsewhere) {
        const read = await cluster.read('Environment', elsewhere)
        if (!read.ok) return read
        const carries = finished || (read.value?.status?.version ?? 0) >= wanted
        return success({ resourceVersion: '0', carries, edited: false })
      }
      const read = await cluster.read('Component', component)
      if (!read.ok || !read.value) return read.ok ? success(undefined) : read
      const { metadata, status } = read.value
      const carries = finished || (status?.committed?.graphVersion ?? 0) >= wanted
      return success({ resourceVersion: metadata.resourceVersion ?? '', carries, edited: false })
    },
  }
}

const rereadOf = (component: string): Target => ({ component, resourceVersion: '', stage: 'Reread' })

const staleOf = (request: Of<'ChangeRequest'>, claim: string): Stale => {
  const { namespace, name, uid = '', resourceVersion = '' } = request.metadata
  return { request: `${namespace}/${name}`, uid, resourceVersion, claim }
}
