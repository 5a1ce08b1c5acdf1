import type { ChangeRequestStatus, WriteAhead } from '../api/kinds.generated.ts'
import type { Failure, Result } from '../api/result.ts'
import { decided } from '../core/change/ahead.ts'
import type { Answer, Member, Stale } from '../core/change/commit.ts'
import { finished, stopped, takenBack, writtenAhead } from '../core/change/request-status.ts'
import type { Clock } from '../ports/clock.ts'
import type { Cluster, Of } from '../ports/cluster.ts'
import { answerOfFailure } from './component-effects.ts'
import type { Content } from './passage.ts'

export interface RequestEffectsDependencies {
  readonly cluster: Pick<Cluster, 'read' | 'writeStatus'>
  readonly clock: Pick<Clock, 'now'>
  /** This request is to be looked at again: what was planned for it did not come to pass. */
  readonly again: (requestKey: string) => void
}

type Request = Of<'ChangeRequest'>

/** What the commit protocol writes on requests. Each write is conditioned on the version it was decided on. */
export const makeRequestEffects = (namespace: string, { cluster, clock, again }: RequestEffectsDependencies) => {
  /** requests of this holder as it wrote them last, by uid */
  const requests = new Map<string, Request>()

  const write = async (request: Request, status: ChangeRequestStatus): Promise<Answer<Content>> =>
    answerOf(await cluster.writeStatus('ChangeRequest', request, status))

  /** The same, of a request that goes on. */
  const writeOn = async (request: Request, status: ChangeRequestStatus): Promise<Result<Request>> => {
    const result = await cluster.writeStatus('ChangeRequest', request, status)
    if (result.ok) carry(result.value)
    return result
  }
  const carry = (request: Request): void => void requests.set(request.metadata.uid ?? '', request)

  const orAgain = ({ applying }: Member<Content>, answer: Answer<Content>): Answer<Content> => {
    if (answer.is !== 'Written') again(`${namespace}/${applying.name}`)
    return answer
  }

  /** What the API server will never take ends the request, before anything was decided. */
  const refuse = async (
    request: Request,
    environment: string,
    { reason, message }: Failure,
  ): Promise<Answer<Content>> => {
    const step = { to: 'Rejected', reason, message: `ChangeRequest ${request.metadata.name}: ${message}` } as const
    await write(request, stopped(request, step, { environment, position: 1, now: clock.now() }))
    return { is: 'Gone' }
  }

  const current = ({ applying, content }: Member<Content>): Request | undefined =>
    requests.get(applying.uid) ?? content.request

  return {
    /** A new batch: what was carried before has ended, or is found by looking. */
    forget: () => requests.clear(),
    /** as it was written ahead, or found by looking */
    current,
    /** Another pass has written it. */
    carry,

    /** `environment`: the name of the one in which it waits */
    async settle(member: Member<Content>, environment: string): Promise<Answer<Content>> {
      const { request, step, world, position = 1 } = member.content
      const status = stopped(request!, step!, { world, environment, position, now: clock.now() })
      return orAgain(member, await write(request!, status))
    },

    async writeAhead(member: Member<Content>, ahead: WriteAhead): Promise<Answer<Content>> {
      const { request, plan, approvals, world } = member.content
      const status = writtenAhead(request!, {
        plan: plan!,
        world: world!,
        approvals,
        writeAhead: ahead,
        now: clock.now(),
      })
      const result = await writeOn(request!, status)
      if (result.ok || !isFinal(result.failure)) return orAgain(member, answerOf(result))
      return orAgain(member, await refuse(request!, world!.environment.metadata.name, result.failure))
    },

    /** The decision of a change over several environments. */
    async decide(member: Member<Content>): Promise<Answer<Content>> {
      const request = current(member)
      if (request?.metadata.resourceVersion !== member.resourceVersion) return { is: 'Conflict' }
      return answerOf(await writeOn(request, decided(request)))
    },

    /** `version`: of the environment that it passed, when that was one alone */
    async finish(member: Member<Content>, version: number): Promise<Answer<Content>> {
      const request = current(member)!
      requests.delete(member.applying.uid)
      if (request.metadata.resourceVersion !== member.resourceVersion) return { is: 'Conflict' }
      return write(request, finished(request, { version, now: clock.now() }))
    },

    async takeBack({ name, uid, resourceVersion }: Stale): Promise<Answer<Content>> {
      const read = await cluster.read('ChangeRequest', `${namespace}/${name}`)
      if (!read.ok) return answerOfFailure(read.failure)
      if (read.value?.metadata.uid !== uid) return { is: 'Gone' }
      if (read.value.metadata.resourceVersion !== resourceVersion) return { is: 'Conflict' }
      return write(read.value, takenBack(read.value, clock.now()))
    },
  }
}

export type RequestEffects = ReturnType<typeof makeRequestEffects>

const answerOf = (result: Result<Request>): Answer<Content> =>
  result.ok
    ? { is: 'Written', resourceVersion: result.value.metadata.resourceVersion ?? '' }
    : answerOfFailure(result.failure)

const isFinal = ({ retry, outcome }: Failure): boolean => !retry && outcome !== 'Unknown'
