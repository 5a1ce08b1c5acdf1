import { type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import type { GraphChange } from '../ports/graph.ts'
import { makeGraphRoute, mostVersion, type ReadableGraph, tooLarge, withHeld } from './graph-query.ts'
import { bad, numberIn } from './query.ts'

export interface ChangesAnswer {
  readonly environment: string
  readonly from: number
  readonly to: number
  /** oldest first */
  readonly changes: readonly GraphChange[]
}

/** What one answer holds at most: about 10 MB of JSON. */
const most = { versions: 2_000, components: 20_000 } as const

/** `GET /api/v1/graph/changes`: what came after version `from`, up to `to`. */
export const makeChangesRoute = ({ access, graph }: { access: Access; graph: ReadableGraph }) =>
  makeGraphRoute(
    access,
    { fields: ['from', 'to'], parse },
    async ({ key }, { from, to }): Promise<Result<ChangesAnswer>> => {
      const what = `graph of environment ${key}, versions ${from} to ${to}`
      if (to - from > most.versions) {
        return tooLarge(
          `${what}: expected at most ${most.versions} versions at once, found ${to - from}; ask for fewer`,
        )
      }
      const changes = await graph.changes(key, from, to)
      if (!changes.ok) return withHeld(graph, key, changes.failure)
      const components = changes.value.reduce((sum, { after }) => sum + after.length, 0)
      if (components > most.components) {
        return tooLarge(
          `${what}: expected at most ${most.components} Components that changed, found ${components}; ask for fewer versions`,
        )
      }
      return success({ environment: key, from, to, changes: changes.value })
    },
  )

const parse = (texts: { readonly from?: string; readonly to?: string }): Result<{ from: number; to: number }> => {
  const versions = { least: 0, most: mostVersion, preset: undefined }
  const from = numberIn('from', texts.from, versions)
  if (!from.ok) return from
  const to = numberIn('to', texts.to, versions)
  if (!to.ok) return to
  if (from.value === undefined) return bad('from', 'a version', undefined)
  if (to.value === undefined) return bad('to', 'a version', undefined)
  if (from.value > to.value) return bad('to', `a version that is not older than from = ${from.value}`, to.value)
  return success({ from: from.value, to: to.value })
}
