import { type KubernetesClient, makeKubernetesClient } from '../../../operator/adapters/kubernetes/client.ts'
import { loadCredentials } from '../../../operator/adapters/kubernetes/credentials.ts'

export const clientOf = (kubeconfigPath: string): KubernetesClient => {
  const credentials = loadCredentials({ kubeconfigPath })
  if (!credentials.ok) throw new Error(credentials.failure.message)
  return makeKubernetesClient({ credentials: credentials.value, userAgent: 'karma-bench' })
}

export const ok = async <T>(
  answer: Promise<{ ok: true; value: T } | { ok: false; failure: { message: string } }>,
): Promise<T> => {
  const got = await answer
  if (!got.ok) throw new Error(got.failure.message)
  return got.value
}

/** `count` runs of `work`, `inFlight` at a time. */
export const pool = async (count: number, inFlight: number, work: (index: number) => Promise<void>): Promise<void> => {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

/** Tells of requests that have ended. */
export interface Watch {
  /** Resolves when the request has finished; rejects when it did not end as Applied. */
  applied(name: string): Promise<void>
  stop(): void
}

/** `path`: of the ChangeRequests of a namespace */
export const watchFinished = async (user: KubernetesClient, path: string): Promise<Watch> => {
  const stop = new AbortController()
  const waiting = new Map<string, PromiseWithResolvers<void>>()
  const { resourceVersion } = await ok(user.list(path))
  const query = { watch: true, resourceVersion, timeoutSeconds: 3600 }
  const lines = await ok(user.stream(path, { query, signal: stop.signal }))
  const follow = async (): Promise<void> => {
    for await (const line of lines) {
      const { object } = JSON.parse(line) as { object: { metadata: { name: string }; status?: { phase?: string } } }
      const waiter = waiting.get(object.metadata.name)
      const phase = object.status?.phase
      if (!waiter || phase === undefined || phase === 'Applying' || phase === 'Pending') continue
      waiting.delete(object.metadata.name)
      if (phase === 'Applied') waiter.resolve()
      else waiter.reject(new Error(`${object.metadata.name} is ${phase}: ${line.slice(0, 3000)}`))
    }
  }
  const failed = (cause: unknown): void => {
    for (const waiter of waiting.values()) waiter.reject(new Error('the watch of the bench ended', { cause }))
  }
  follow().then(() => failed('ended by the server'), failed)
  return {
    applied: (name) => {
      const waiter = Promise.withResolvers<void>()
      waiting.set(name, waiter)
      return waiter.promise
    },
    stop: () => stop.abort(),
  }
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
