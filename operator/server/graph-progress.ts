import { type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import { makeGraphRoute, type Place, placeIn } from './graph-query.ts'
import { type Query, textsOf } from './query.ts'

/** Elements of a graph that is being built anew, and those that are written; absent: none is. */
export interface ProgressAnswer {
  readonly environment: string
  readonly progress?: { readonly done: number; readonly total: number }
}

export type Rebuilding = (environmentKey: string) => ProgressAnswer['progress'] | undefined

/** `GET /api/v1/graph/progress`: how far `kubectl karma graph build` is. */
export const makeProgressRoute = ({ access, rebuilding }: { access: Access; rebuilding: Rebuilding }) =>
  makeGraphRoute(access, parse, async ({ place }): Promise<Result<ProgressAnswer>> => {
    const progress = rebuilding(place.key)
    return success({ environment: place.key, ...(progress && { progress }) })
  })

const parse = (query: Query): Result<{ place: Place }> => {
  const texts = textsOf(query, ['environment'])
  if (!texts.ok) return texts
  const place = placeIn(texts.value.environment)
  return place.ok ? success({ place: place.value }) : place
}
