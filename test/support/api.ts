import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { Agent, request } from 'undici'
import { parse } from 'yaml'

/** What the API server answered. `message` is the Status's message, empty when the answer is not a Status. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind
  readonly body: any
  readonly message: string
}

export interface Caller {
  /** speak as this account, which the kubeconfig's own must be allowed to impersonate */
  readonly as?: string
  readonly groups?: readonly string[]
  readonly uid?: string
  /** bearer token instead of the kubeconfig's */
  readonly token?: string
}

/** A plain client of the API server for tests: no retries, no types, every answer is returned. */
export interface Api {
  readonly get: (path: string, caller?: Caller) => Promise<Answer>
  readonly create: (path: string, body: unknown, caller?: Caller) => Promise<Answer>
  readonly put: (path: string, body: unknown, caller?: Caller) => Promise<Answer>
  readonly mergePatch: (path: string, body: unknown, caller?: Caller) => Promise<Answer>
  readonly jsonPatch: (path: string, body: unknown, caller?: Caller) => Promise<Answer>
  /** server-side apply, with force */
  readonly apply: (path: string, body: unknown, caller?: Caller, manager?: string) => Promise<Answer>
  readonly remove: (path: string, caller?: Caller) => Promise<Answer>
  readonly close: () => Promise<void>
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority': string } },
  ]
  readonly users: readonly [{ readonly user: { readonly token: string } }]
}

/** Reads the first cluster and user of a kubeconfig as test/cluster writes it: a CA file and a token. */
export function apiOf(kubeconfig: string): Api {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig
  const { server, 'certificate-authority': caFile } = clusters[0].cluster
  const ca = readFileSync(isAbsolute(caFile) ? caFile : join(kubeconfig, '..', caFile), 'utf8')
  // Over HTTP/2 undici joins a caller's groups with commas into one.
  const dispatcher = new Agent({ connect: { ca }, allowH2: false })

  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    { body, type = 'application/json', caller = {} }: { body?: unknown; type?: string; caller?: Caller | undefined },
  ): Promise<Answer> => {
    const answer = await request(server + path, {
      dispatcher,
      method,
      headers: { 'content-type': type, ...headersOf(caller, users[0].user.token) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    const parsed = answer.headers['content-type']?.includes('json') ? JSON.parse(text) : text
    return { status: answer.statusCode, body: parsed, message: parsed?.kind === 'Status' ? (parsed.message ?? '') : '' }
  }

  return {
    get: (path, caller) => send('GET', path, { caller }),
    create: (path, body, caller) => send('POST', path, { body, caller }),
    put: (path, body, caller) => send('PUT', path, { body, caller }),
    mergePatch: (path, body, caller) => send('PATCH', path, { body, caller, type: 'application/merge-patch+json' }),
    jsonPatch: (path, body, caller) => send('PATCH', path, { body, caller, type: 'application/json-patch+json' }),
    apply: (path, body, caller, manager = 'test') => {
      const query = path.includes('?') ? '&' : '?'
      const forced = `${path}${query}fieldManager=${manager}&force=true`
      return send('PATCH', forced, { body, caller, type: 'application/apply-patch+yaml' })
    },
    remove: (path, caller) => send('DELETE', path, { caller }),
    close: () => dispatcher.close(),
  }
}

const headersOf = ({ as, groups, uid, token }: Caller, own: string): Record<string, string | string[]> => ({
  authorization: `Bearer ${token ?? own}`,
  ...(as === undefined ? {} : { 'impersonate-user': as }),
  ...(groups === undefined ? {} : { 'impersonate-group': [...groups] }),
  ...(uid === undefined ? {} : { 'impersonate-uid': uid }),
})

/** Deletes all objects of a collection at once, whatever finalizers hold them. */
export async function clear(api: Api, path: string): Promise<void> {
  const { body } = await api.get(path)
  for (const { metadata } of body.items as { metadata: { name: string } }[]) {
    await api.mergePatch(`${path}/${metadata.name}`, { metadata: { finalizers: null } })
    await api.remove(`${path}/${metadata.name}`)
  }
}
