import type { Bytecode } from 'gremlin'
import { type Result, success } from '../../api/result.ts'
import type { GremlinConnection } from './connection.ts'
import * as statements from './statements.ts'

/** Elements that are dropped together. */
const page = 200

/** How often what may have been done already is done again: nothing here minds. */
const attempts = 3

const write = async (connection: Pick<GremlinConnection, 'submit'>, bytecode: Bytecode): Promise<Result<unknown>> => {
  for (let attempt = 1; ; attempt++) {
    const answer = await connection.submit(bytecode, { write: true })
    if (answer.ok || answer.failure.outcome !== 'Unknown' || attempt === attempts) return answer
  }
}

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
  const raised = await write(connection, statements.raiseHorizon(environment, horizon))
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
      const dropped = await write(connection, statements.dropAll(what, ids.value as string[]))
      if (!dropped.ok) return dropped
    }
  }
  return success(undefined)
}
