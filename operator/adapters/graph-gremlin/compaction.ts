import type { Bytecode } from 'gremlin'
import { type Result, success } from '../../api/result.ts'
import type { GremlinConnection } from './connection.ts'
import { versionId } from './model.ts'
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
 * what a crash leaves goes the next time. The record of a version by which something was opened that is still there stays:
 * it alone says when, and by which change.
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
  return compactVersions(connection, environment, horizon)
}

const compactVersions = async (
  connection: Pick<GremlinConnection, 'submit'>,
  environment: string,
  horizon: number,
): Promise<Result<void>> => {
  const read = (bytecode: Bytecode) => connection.submit(bytecode, { write: false, endpoint: 'writer' })
  const old = await read(statements.versionsBefore(environment, horizon))
  if (!old.ok) return old
  const needed = new Set<number>()
  for (const what of ['State', 'REF'] as const) {
    const openers = await read(statements.openersBefore(environment, what, horizon))
    if (!openers.ok) return openers
    for (const version of openers.value) needed.add(Number(version))
  }
  const ids = old.value.flatMap((version) =>
    needed.has(Number(version)) ? [] : [versionId(environment, Number(version))],
  )
  for (let at = 0; at < ids.length; at += page) {
    const dropped = await write(connection, statements.dropAll('Version', ids.slice(at, at + page)))
    if (!dropped.ok) return dropped
  }
  return success(undefined)
}
