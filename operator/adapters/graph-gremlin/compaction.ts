import { type Result, success } from '../../api/result.ts'
import type { GremlinConnection } from './connection.ts'
import * as statements from './statements.ts'

/** Elements that are dropped together. */
const page = 200

/**
 * Forgets what no version from `horizon` on sees. First the horizon is raised, so that nobody asks for what is half gone;
 * what a crash leaves goes the next time.
 */
export const compactTo = async (
  connection: Pick<GremlinConnection, 'submit'>,
  environment: string,
  horizon: number,
): Promise<Result<void>> => {
  if (horizon <= 0) return success(undefined)
  const raised = await connection.submit(statements.raiseHorizon(environment, horizon), { write: true })
  if (!raised.ok) return raised
  const pages = [
    ['REF', () => statements.closedUntil(environment, 'REF', horizon, page)],
    ['State', () => statements.closedUntil(environment, 'State', horizon, page)],
    ['Version', () => statements.versionsBefore(environment, horizon, page)],
  ] as const
  for (const [what, old] of pages) {
    for (;;) {
      const ids = await connection.submit(old(), { write: false, endpoint: 'writer' })
      if (!ids.ok) return ids
      if (ids.value.length === 0) break
      const dropped = await connection.submit(statements.dropAll(what, ids.value as string[]), { write: true })
      if (!dropped.ok) return dropped
    }
  }
  return success(undefined)
}
