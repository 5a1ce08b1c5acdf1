import { type Failure, failure, type Result, success } from '../../api/result.ts'
import type { Access, Caller, Right } from '../../ports/access.ts'
import type { KubernetesClient } from './client.ts'

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean
    readonly user?: {
      readonly username?: string
      readonly uid?: string
      readonly groups?: readonly string[]
      readonly extra?: Readonly<Record<string, readonly string[]>>
    }
  }
}

interface AccessReview {
  readonly status?: { readonly allowed?: boolean }
}

const tokenReviews = '/apis/authentication.k8s.io/v1/tokenreviews'
const accessReviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews'

/** TokenReview and SubjectAccessReview, asked anew each time: a right that was taken away is gone at once. */
export const makeAccess = ({ client }: { client: Pick<KubernetesClient, 'create'> }): Access => ({
  identify: async (token): Promise<Result<Caller>> => {
    const answer = await client.create(tokenReviews, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token },
    })
    if (!answer.ok) return unanswered('whose token it is', answer.failure)
    const { authenticated, user } = (answer.value as TokenReview).status ?? {}
    if (authenticated !== true || !user?.username) {
      const message = 'bearer token: expected one that the cluster knows, found one that it does not; log in again'
      return failure({ reason: 'Unauthorized', message, retry: false })
    }
    return success({
      username: user.username,
      groups: user.groups ?? [],
      ...(user.uid && { uid: user.uid }),
      ...(user.extra && { extra: user.extra }),
    })
  },

  may: async (caller: Caller, right: Right): Promise<Result<boolean>> => {
    const { username, uid, groups, extra } = caller
    const answer = await client.create(accessReviews, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: username,
        uid,
        groups,
        extra,
        resourceAttributes: { group: 'usekarma.dev', version: 'v1alpha1', resource: 'changerequests', ...right },
      },
    })
    if (!answer.ok) return unanswered(`what ${username} may do`, answer.failure)
    return success((answer.value as AccessReview).status?.allowed === true)
  },
})

/** Our own lack of rights must not look like the caller's. */
const unanswered = (question: string, { reason, message }: Failure): Result<never> =>
  failure({
    reason: 'Unavailable',
    message: `the cluster was asked ${question} and did not answer: ${reason}: ${message}`,
    retry: true,
  })
