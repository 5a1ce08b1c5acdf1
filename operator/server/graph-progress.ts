import { type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import { makeGraphRoute } from './graph-query.ts'

/** Elements of a graph that is being built anew, and those that are written; absent: none is. */
export interface ProgressAnswer {
  readonly environment: string
  readonly progress?: { readonly done: number; readonly total: number }
}

export type Rebuilding = (environmentKey: string) => ProgressAnswer['progress'] | undefined

/** `GET /api/v1/graph/progress`: how far `kubectl karma graph build` is. */
export const makeProgressRoute = ({ access, rebuilding }: { access: Access; rebuilding: Rebuilding }) =>
  makeGraphRoute(
    access,
    { fields: [], parse: () => success(undefined) },
    async ({ key }): Promise<Result<ProgressAnswer>> => {
      const progress = rebuilding(key)
      return success({ environment: key, ...(progress && { progress }) })
    },
  )
