/*
 * Neptune says at /status which engine it is. Every statement needs mergeV and mergeE, which came with TinkerPop 3.6.2
 * in engine 1.2.1.0; an older one would fail each of them with a sentence about its grammar.
 */

const oldestEngine = [1, 2, 1, 0]
const oldestTinkerPop = [3, 6, 2]

/** Others are not asked: a Gremlin Server has no such page. */
export const hasStatus = (endpoint: URL, withIam: boolean): boolean =>
  withIam || /\.neptune\.amazonaws\.com(\.cn)?$/.test(endpoint.hostname)

export const statusUrl = (endpoint: URL): URL => {
  const { host, protocol } = endpoint
  return new URL(`${protocol === 'wss:' ? 'https' : 'http'}://${host}/status`)
}

/** Why this engine will not do; undefined where it will, or does not say. */
export const engineRefusal = (status: unknown): string | undefined => {
  const { dbEngineVersion, gremlin } = (status ?? {}) as { dbEngineVersion?: unknown; gremlin?: { version?: unknown } }
  if (isOlder(dbEngineVersion, oldestEngine))
    return `expected Neptune engine 1.2.1.0 or newer, found ${shown(dbEngineVersion)}; upgrade the cluster`
  if (isOlder(gremlin?.version, oldestTinkerPop))
    return `expected TinkerPop 3.6.2 or newer, found ${shown(gremlin?.version)}; upgrade the cluster`
  return undefined
}

/** Such as `1.2.0.1`, `Patch-1.3.2.1.R2` of an engine that was patched, `tinkerpop-3.7.1`. */
const isOlder = (version: unknown, oldest: readonly number[]): boolean => {
  const found = typeof version === 'string' ? /(\d+)((?:\.\d+)+)/.exec(version)?.[0] : undefined
  if (found === undefined) return false
  const numbers = found.split('.').map(Number)
  for (const [at, least] of oldest.entries()) {
    const number = numbers[at] ?? 0
    if (number !== least) return number < least
  }
  return false
}

const shown = (version: unknown): string => String(version).slice(0, 40)

export type Fetch = (
  url: string,
  options: { readonly headers: Record<string, string>; readonly signal: AbortSignal; readonly redirect: 'error' },
) => Promise<{ readonly status: number; json(): Promise<unknown> }>

export interface EngineDependencies {
  readonly fetch: Fetch
  readonly sign: (url: URL) => Promise<Record<string, string>>
  readonly signal: AbortSignal
}

/**
 * `refusal` absent: it will do. What cannot be found out is left to the first statement, for the right to read /status
 * (neptune-db:GetEngineStatus) may be missing where queries are allowed. Rejects when the endpoint cannot be reached.
 */
export const askEngine = async (
  endpoint: URL,
  { fetch, sign, signal }: EngineDependencies,
): Promise<{ readonly refusal?: string | undefined; readonly isKnown: boolean }> => {
  const url = statusUrl(endpoint)
  // `fetch` names the host itself, as it was signed.
  const { host: _, ...headers } = await sign(url)
  const answer = await fetch(url.href, { headers, signal, redirect: 'error' })
  if (answer.status !== 200) return { isKnown: false }
  const status = await answer.json().catch(() => undefined)
  return { refusal: engineRefusal(status), isKnown: status !== undefined }
}
