import type { Requester } from '../../api/kinds.generated.ts'
import { type Failure, failure, type Result, success } from '../../api/result.ts'
import type { Kind } from '../../ports/cluster.ts'
import type { Listed, Objects, Where } from '../../ports/objects.ts'
import type { KubernetesClient } from './client.ts'
import { collectionPath, objectPath, parseAs } from './kinds.ts'
import { pagesOf } from './pages.ts'

interface Dependencies {
  readonly client: Pick<KubernetesClient, 'get' | 'list' | 'create' | 'patch'>
  /** URL of the API server, for messages */
  readonly server: string
  readonly fieldManager?: string
}

const reviewPath = '/apis/authentication.k8s.io/v1/selfsubjectreviews'

export const makeObjects = ({ client, server, fieldManager = 'kubectl-karma' }: Dependencies): Objects => {
  const refuse = ({ reason, message, retry }: Failure): Result<never> => failure(explained(reason, message, retry))

  const explained = (reason: string, message: string, retry: boolean): Failure => {
    if (reason === 'NotFound' && notServed.test(message)) return notInstalled(server)
    if (reason === 'Forbidden')
      return { reason, retry, message: `${message}; kubectl auth can-i --list shows your rights` }
    if (reason === 'Unauthorized') return { reason, retry, message: `${server}: ${message}; log in again` }
    if (reason === 'Unavailable')
      return { reason, retry, message: `${server}: ${message}; look at the kubeconfig's context` }
    return { reason, retry, message }
  }

  const whole = async (
    path: string,
    { at, fields: fieldSelector }: Omit<Where, 'namespace'>,
  ): Promise<Result<Listed<unknown>>> => {
    const exact = at === undefined ? {} : { resourceVersion: at, resourceVersionMatch: 'Exact' }
    const items: unknown[] = []
    let resourceVersion = ''
    for await (const page of pagesOf(client, path, { query: { fieldSelector, ...exact }, timeoutMs: 60_000 })) {
      if (!page.ok) return refuse(page.failure)
      items.push(...page.value.items)
      resourceVersion = page.value.resourceVersion
    }
    return success({ items, resourceVersion })
  }

  const parsed = <K extends Kind>(kind: K, items: readonly unknown[]) => {
    const all = items.map((raw) => parseAs(kind, raw))
    const bad = all.find((one) => !one.ok)
    return bad && !bad.ok ? bad : success(all.flatMap((one) => (one.ok ? [one.value] : [])))
  }

  return {
    async get(kind, key) {
      const answer = await client.get(objectPath(kind, key))
      if (answer.ok) return parseAs(kind, answer.value)
      const failed = refuse(answer.failure)
      return !failed.ok && failed.failure.reason === 'NotFound' ? success(undefined) : failed
    },
    async list(kind, { namespace, ...where } = {}) {
      const listed = await whole(collectionPath(kind, namespace), where)
      if (!listed.ok) return listed
      const objects = parsed(kind, listed.value.items)
      return objects.ok ? success({ ...listed.value, items: objects.value }) : objects
    },
    async create(kind, namespace, manifest) {
      const answer = await client.create(collectionPath(kind, namespace), manifest, { query: { fieldManager } })
      return answer.ok
        ? success((answer.value as { metadata: { name: string } }).metadata.name)
        : refuse(answer.failure)
    },
    async patch(kind, key, body) {
      const answer = await client.patch(objectPath(kind, key), body, { fieldManager })
      return answer.ok ? parseAs(kind, answer.value) : refuse(answer.failure)
    },
    async whoAmI() {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
      const answer = await client.create(reviewPath, review)
      return answer.ok ? success(requesterOf(answer.value)) : refuse(answer.failure)
    },
  }
}

/** What the API server says where the kind is missing, and not the object. */
const notServed = /could not find the requested resource|404 page not found/

const notInstalled = (server: string): Failure => ({
  reason: 'NotInstalled',
  message: `${server}: expected it to serve this kind of Karma's, found that it does not (kubectl api-resources --api-group=usekarma.dev); install Karma, or choose another --context`,
  retry: false,
})

/** The fields that admission writes into `requestedBy`. */
const requesterOf = (review: unknown): Requester => {
  const { username, uid, groups = [] } = (review as { status: { userInfo: Requester } }).status.userInfo
  return { username, ...(uid && { uid }), groups }
}
