import { type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import type { Head, Published } from '../ports/graph.ts'
import { makeGraphRoute, type ReadableGraph } from './graph-query.ts'
import { numberIn } from './query.ts'

/** `truncated`: there are more; ask for a higher limit. */
export interface VersionsAnswer {
  readonly environment: string
  readonly head: Head
  /** newest first */
  readonly versions: readonly Published[]
  readonly truncated: boolean
}

const mostVersions = 1_000

/** `GET /api/v1/graph/versions`: the versions of an environment that are held. `limit`: 1 to 1000; default 100. */
export const makeVersionsRoute = ({ access, graph }: { access: Access; graph: ReadableGraph }) =>
  makeGraphRoute(access, { fields: ['limit'], parse }, async ({ key }, limit): Promise<Result<VersionsAnswer>> => {
    const head = await graph.head(key)
    if (!head.ok) return head
    const versions = await graph.versions(key, limit + 1)
    if (!versions.ok) return versions
    const truncated = versions.value.length > limit
    return success({ environment: key, head: head.value, versions: versions.value.slice(0, limit), truncated })
  })

const parse = ({ limit }: { readonly limit?: string }): Result<number> =>
  numberIn('limit', limit, { least: 1, most: mostVersions, preset: 100 })
