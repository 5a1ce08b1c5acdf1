import type { ChangeRequest, ChangeRequestStatus, Image, Prepared } from '../../api/kinds.generated.ts'
import { environmentKey, nameIn } from '../component/identity.ts'
import type { Target } from './commit.ts'

/* What a request that was written ahead says of one environment, by the environment's key `namespace/name`. */

/** What it was written ahead with there; undefined: that environment has no part in it. */
export const aheadIn = (
  { metadata, status }: Pick<ChangeRequest, 'metadata' | 'status'>,
  environment: string,
): { readonly claim: string; readonly version: number } | undefined => {
  const { claim = '0', version = 0, environments } = status?.writeAhead ?? {}
  if (status?.phase !== 'Applying') return undefined
  if (environments) return environments.find((part) => part.environment === environment)
  const own = environmentKey(metadata.namespace ?? '', status.environment ?? '')
  return own === environment ? { claim, version } : undefined
}

/** The keys of all environments that it was written ahead in. */
export const environmentsAhead = ({ metadata, status }: Pick<ChangeRequest, 'metadata' | 'status'>): string[] => {
  if (status?.phase !== 'Applying') return []
  const { environments } = status.writeAhead ?? {}
  if (environments) return environments.map(({ environment }) => environment)
  return status.environment ? [environmentKey(metadata.namespace ?? '', status.environment)] : []
}

/**
 * What a holder of that environment sees of it that has not planned it: the Components that it writes there, and then,
 * for its parts elsewhere, the Components that it writes in those. Where it writes none, that it was published stands for
 * them: the target is the environment itself. `placeOf`: the environment of what an image is about; undefined when
 * nothing is there any more, which whoever looks for it finds out.
 */
export const targetsIn = (
  { metadata, status }: Pick<ChangeRequest, 'metadata' | 'status'>,
  environment: string,
  placeOf: (image: Image) => string | undefined,
): Target[] => {
  const reread = (component: string): Target => ({ component, resourceVersion: '', stage: 'Reread' })
  const own: Target[] = []
  const elsewhere = new Map<string, Target[]>()
  for (const { environment: key } of status?.writeAhead?.environments ?? []) elsewhere.set(key, [])
  for (const image of status?.images ?? []) {
    const target = reread(nameIn(metadata.namespace ?? '', image.component))
    const place = placeOf(image) ?? environment
    if (place === environment) own.push(target)
    else elsewhere.set(place, [...(elsewhere.get(place) ?? []), { ...target, elsewhere: place }])
  }
  elsewhere.delete(environment)
  for (const [key, targets] of elsewhere) if (targets.length === 0) targets.push({ ...reread(key), elsewhere: key })
  return [...own, ...[...elsewhere.values()].flat()]
}

/**
 * The claim with which it was written ahead there without having been decided: it is to be taken back, unless it stands
 * in `applying`. Undefined: nothing is to be taken back. One that was decided and does not stand there has its part there
 * behind it.
 */
export const undecidedIn = (
  request: Pick<ChangeRequest, 'metadata' | 'status'>,
  environment: string,
): string | undefined => (request.status?.writeAhead?.decided ? undefined : aheadIn(request, environment)?.claim)

/**
 * What has become of a change that was prepared in an environment. Its request alone says; `request` is as the server
 * has it, undefined when it is gone. Withdrawn: whatever it does now, it was written ahead anew for it.
 */
export const fateOf = (
  { uid, claim }: Prepared,
  environment: string,
  request: Pick<ChangeRequest, 'metadata' | 'status'> | undefined,
): 'Decided' | 'Undecided' | 'Withdrawn' => {
  if (request?.metadata.uid !== uid || aheadIn(request, environment)?.claim !== claim) return 'Withdrawn'
  return request.status?.writeAhead?.decided ? 'Decided' : 'Undecided'
}

/**
 * The decision of a change over several environments: from here on it will happen, whoever completes it. Nothing is told
 * of it: that it was published is told by each environment.
 */
export const decided = ({ status }: Pick<ChangeRequest, 'status'>): ChangeRequestStatus => ({
  ...status,
  ...(status?.writeAhead && { writeAhead: { ...status.writeAhead, decided: true } }),
})
