import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { type Failure, failure, type Result, success } from '../api/result.ts'
import { type ApiServer, connect } from './api-server.ts'
import { installed, leaderOf, leftOf, missingRights } from './installation.ts'
import type { SessionOptions } from './kubeconfig.ts'
import type { Terminal } from './program.ts'
import { removeKarma } from './removal.ts'
import { escaped } from './table.ts'

type Flags = SessionOptions & { readonly yes?: boolean }

/** Adds the verb. `ended` takes the exit code. */
export const addUninstall = (program: Command, terminal: Terminal, ended: (code: number) => void): void => {
  program
    .command('uninstall')
    .description('take Karma out of the cluster: its objects, kinds, policies, roles and namespace')
    .option('-y, --yes', 'do not ask')
    .option('--kubeconfig <path>', 'default: KUBECONFIG, then ~/.kube/config')
    .option('--context <name>', 'of the kubeconfig; default: its current one')
    .option('--token <token>', 'bearer token to show instead of the kubeconfig’s')
    .action(async (flags: Flags) => {
      const failed = await uninstall(flags, terminal)
      if (!failed) return
      terminal.err(`error: ${escaped(failed.message)} (${escaped(failed.reason)})\n`)
      ended(1)
    })
}

const uninstall = async (flags: Flags, { out, err, openSession }: Terminal): Promise<Failure | undefined> => {
  const session = await openSession(flags)
  if (!session.ok) return session.failure
  const api = connect(session.value)
  const say = (line: string): void => out(`${escaped(line)}\n`)
  const note = (line: string): void => err(`${escaped(line)}\n`)
  try {
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
    const meant = flags.yes ? success(undefined) : await confirmed()
    if (!meant.ok) return meant.failure
    // 2. Nobody else is at work.
    const stopped = await isStopped(api, note)
    if (!stopped.ok) return stopped.failure
    // 3. All of it, in an order in which nothing gets stuck.
    const removed = await removeKarma({ api, say, sleep })
    if (!removed.ok) return { ...removed.failure, message: `${removed.failure.message}; repeat the command to go on` }
    // 4. What is not Karma's to delete.
    for (const line of await leftOf(api)) note(`left: ${line}`)
    return undefined
  } finally {
    api.close()
  }
}

const mayUninstall = async (api: ApiServer): Promise<Result<void>> => {
  const missing = await missingRights(api)
  if (!missing.ok || missing.value.length === 0) return missing.ok ? success(undefined) : missing
  const rights = missing.value.join(', ')
  return failure({ reason: 'Forbidden', message: `expected the rights to uninstall, missing: ${rights}`, retry: false })
}

const isStopped = async (api: ApiServer, note: (line: string) => void): Promise<Result<void>> => {
  const leader = await leaderOf(api, { note, sleep })
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
const confirmed = async (): Promise<Result<void>> => {
  const refused = (found: string): Result<never> =>
    failure({ reason: 'NotConfirmed', message: `expected "yes", found ${found}; nothing was deleted`, retry: false })
  if (!process.stdin.isTTY) return refused('no terminal to ask on (say --yes)')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const said = await terminal.question('delete it? yes or no: ')
    return said.trim() === 'yes' ? success(undefined) : refused(JSON.stringify(said))
  } finally {
    terminal.close()
  }
}
