import { type Result, success } from '../api/result.ts'
import type { Of } from '../ports/cluster.ts'
import { type GraphPort, isUnheld, makeGraphPort, type VersionsAnswer } from './graph-port.ts'
import type { Desk } from './verb.ts'

/** Versions that are shown when nothing is said. */
const preset = 100

/**
 * The graph of one environment, whichever version: what the operator does not hold any more is worked out from what is
 * committed now and from the ledger, as of its ComponentTypes of now. Fails as the operator does where that cannot be
 * done, and says why.
 */
export const makeGraphHistory = (
  environment: Of<'Environment'>,
  desk: Desk,
): Pick<GraphPort, 'states' | 'changes' | 'versions' | 'history'> => {
  const port = makeGraphPort(desk.session, environment)
  const decided = environment.status?.version ?? 0
  // Loaded when needed: it needs schemas and guards, which are half of the program.
  const past = async (version: number) => {
    const { pastGraph } = await import('./graph-ledger.ts')
    return pastGraph(environment, version, desk)
  }

  /** What is asked for, or why neither has it. */
  const orFromLedger = async <T>(
    held: Result<T>,
    version: number | undefined,
    read: (version: number) => Promise<Result<T>>,
  ): Promise<Result<T>> => {
    if (held.ok || version === undefined || version > decided || !isUnheld(held)) return held
    const told = await read(version)
    if (told.ok) return told
    const message = `${held.failure.message}; nor can it be worked out: ${told.failure.message}`
    return { ok: false, failure: { ...held.failure, message } }
  }

  const older = async (answer: VersionsAnswer, limit: number): Promise<VersionsAnswer> => {
    const { head, versions } = answer
    const oldest = versions.at(-1)?.version ?? head.version + 1
    const room = limit - versions.length
    if (answer.truncated || room <= 0 || oldest <= 1) return answer
    const { olderVersions } = await import('./graph-ledger.ts')
    const told = await olderVersions(port, oldest, room)
    if (told.ok) {
      // Where fewer came there are none before them that anybody knows of.
      const truncated = told.value.length === room && oldest - room > 1
      return { head, versions: [...versions, ...told.value], truncated }
    }
    desk.terminal.err(`warning: versions before ${oldest} are not shown: ${told.failure.message}\n`)
    return answer
  }

  return {
    history: port.history,
    states: async (at) =>
      orFromLedger(await port.states(at), at, async (version) => {
        const graph = await past(version)
        return graph.ok ? success(graph.value.states) : graph
      }),
    changes: async (from, to) =>
      orFromLedger(await port.changes(from, to), to > decided ? undefined : from, async (version) => {
        const graph = await past(version)
        return graph.ok ? success({ changes: graph.value.changesUpTo(to) }) : graph
      }),
    versions: async (limit = preset) => {
      const answer = await port.versions(limit)
      return answer.ok ? success(await older(answer.value, Number(limit))) : answer
    },
  }
}
