import type { Bytecode } from 'gremlin'
import { type Result, success } from '../../api/result.ts'
import type { GremlinConnection } from './connection.ts'
import * as statements from './statements.ts'

export interface SweepingDependencies {
  readonly connection: Pick<GremlinConnection, 'submit'>
  /** whether the condition of a write held */
  readonly write: (bytecode: Bytecode) => Promise<Result<boolean>>
}

/** Ids that are looked for together: as many as one request may write, and the head. */
const page = 199

/**
 * Takes away what a version that was never marked has left: what it opened goes, what it closed is open again. Edges
 * first, so that none is without its ends. Repeated it goes on where it ended. False: the head was claimed by another.
 */
export const makeSweeping = ({ connection, write }: SweepingDependencies) => {
  const kinds = (['REF', 'State'] as const).flatMap((what) =>
    ([['since', statements.sweepOpened] as const, ['until', statements.sweepClosed] as const] as const).map(
      ([key, undo]) => ({ what, key, undo }),
    ),
  )

  const sweepKind = async (
    { what, key, undo }: (typeof kinds)[number],
    environment: string,
    attempt: string,
    version: number,
  ): Promise<Result<boolean>> => {
    for (;;) {
      const found = statements.touchedBy(environment, what, key, version, page)
      const ids = await connection.submit(found, { write: false, endpoint: 'writer' })
      if (!ids.ok) return ids
      if (ids.value.length === 0) return success(true)
      const swept = await write(undo(environment, attempt, what, ids.value as string[]))
      if (!swept.ok || !swept.value) return swept
    }
  }

  return async (environment: string, attempt: string, version: number): Promise<Result<boolean>> => {
    for (const kind of version === 0 ? [] : kinds) {
      const swept = await sweepKind(kind, environment, attempt, version)
      if (!swept.ok || !swept.value) return swept
    }
    return success(true)
  }
}
