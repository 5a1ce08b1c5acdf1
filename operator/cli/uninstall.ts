import { type Failure, failure, type Result, success } from '../api/result.ts'
import type { ApiServer } from '../ports/api-server.ts'
import { installed, leaderOf, leftOf, missingRights } from './installation.ts'
import { connectionOptions } from './output.ts'
import { removeKarma } from './removal.ts'
import { escaped } from './table.ts'
import type { Terminal } from './terminal.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

interface Flags extends CommonFlags {
  readonly yes?: boolean
}

export const addUninstall: Verb = (program, run) => {
  const command = program
    .command('uninstall')
    .description('take Karma out of the cluster: its objects, kinds, policies, roles and namespace')
    .option('-y, --yes', 'do not ask')
  connectionOptions(command).action((flags: Flags) =>
    run(flags, async (desk) => {
      const failed = await uninstall(flags, desk)
      return failed ? failure(failed) : success(0)
    }),
  )
}

const uninstall = async (flags: Flags, { session, terminal }: Desk): Promise<Failure | undefined> => {
  const api = session.apiServer
  const { sleep } = terminal
  const say = (line: string): void => terminal.out(`${escaped(line)}\n`)
  const note = (line: string): void => terminal.err(`${escaped(line)}\n`)
  // 1. Nothing is touched before it is clear that all of it can be.
  const there = await installed(api)
  if (!there.ok) return there.failure
  if (there.value.length === 0) {
    say(`nothing of Karma is installed on ${api.address}`)
    return undefined
  }
  const allowed = await mayUninstall(api)
  if (!allowed.ok) return allowed.failure
  note(`to be deleted on ${api.address}: ${there.value.join(', ')}`)
  note('what they stand for in the real world stays as it is')
  const meant = flags.yes ? success(undefined) : await confirmed(terminal)
  if (!meant.ok) return meant.failure
  // 2. Nobody else is at work.
  const stopped = await isStopped(api, { note, sleep })
  if (!stopped.ok) return stopped.failure
  // 3. All of it, in an order in which nothing gets stuck.
  const removed = await removeKarma({ api, say, sleep })
  if (!removed.ok) return { ...removed.failure, message: `${removed.failure.message}; repeat the command to go on` }
  // 4. What is not Karma's to delete.
  for (const line of await leftOf(api)) note(`left: ${line}`)
  return undefined
}

const mayUninstall = async (api: ApiServer): Promise<Result<void>> => {
  const missing = await missingRights(api)
  if (!missing.ok || missing.value.length === 0) return missing.ok ? success(undefined) : missing
  const rights = missing.value.join(', ')
  return failure({ reason: 'Forbidden', message: `expected the rights to uninstall, missing: ${rights}`, retry: false })
}

const isStopped = async (
  api: ApiServer,
  by: { note: (line: string) => void; sleep: (ms: number) => Promise<unknown> },
): Promise<Result<void>> => {
  const leader = await leaderOf(api, by)
  if (!leader.ok || leader.value === undefined) return leader.ok ? success(undefined) : leader
  return failure({
    reason: 'StillRunning',
    message:
      `Lease karma-system/karma-leader: expected an operator that is stopped, found that ${leader.value} renews it; ` +
      'stop it first (a Deployment by kubectl scale --replicas=0 -n karma-system), then repeat the command',
    retry: true,
  })
}

/** A person is asked. Where there is nobody to ask, --yes must be said. */
const confirmed = async ({ ask }: Terminal): Promise<Result<void>> => {
  const refused = (found: string): Result<never> =>
    failure({ reason: 'NotConfirmed', message: `expected "yes", found ${found}; nothing was deleted`, retry: false })
  if (!ask) return refused('no terminal to ask on (say --yes)')
  const said = await ask('delete it? yes or no: ')
  return said.trim() === 'yes' ? success(undefined) : refused(JSON.stringify(said))
}
