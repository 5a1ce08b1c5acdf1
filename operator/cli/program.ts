import { Command, CommanderError } from 'commander'
import type { Failure } from '../api/result.ts'
import { addApprove, addDeny } from './approval.ts'
import { addCancel } from './cancel.ts'
import { addDeadLetters } from './dead-letters.ts'
import { addEvents } from './events.ts'
import { addGraph } from './graph.ts'
import { addImpact } from './impact.ts'
import { addLog } from './log.ts'
import { addPlan } from './plan.ts'
import { addQueue } from './queue.ts'
import { addRollback } from './rollback.ts'
import { addStats } from './stats.ts'
import { escaped } from './table.ts'
import type { Terminal } from './terminal.ts'
import { addTrace } from './trace.ts'
import { addUninstall } from './uninstall.ts'
import type { Run, Verb } from './verb.ts'
import { addWhy } from './why.ts'

/** In the order in which people meet them. */
const verbs: readonly Verb[] = [
  addPlan,
  addImpact,
  addGraph,
  addQueue,
  addWhy,
  addApprove,
  addDeny,
  addCancel,
  addRollback,
  addLog,
  addTrace,
  addStats,
  addEvents,
  addDeadLetters,
  addUninstall,
]

/** Runs `kubectl karma` with these arguments and resolves the exit code. */
export const runProgram = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  const { out, err } = terminal
  let code = 0
  const program = new Command('kubectl karma')
    .description('Asks Karma, the gateway for infrastructure change, with the rights of your kubeconfig.')
    .version(terminal.version)
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .showHelpAfterError('(--help shows how it is used)')

  const refuse = (failure: Failure): void => {
    err(`error: ${escaped(failure.message)} (${escaped(failure.reason)})\n`)
    code = 1
  }
  const run: Run = async (flags, work) => {
    const session = await terminal.openSession(flags)
    if (!session.ok) return refuse(session.failure)
    try {
      const namespace = flags.namespace ?? session.value.namespace
      const done = await work({ session: session.value, namespace, terminal })
      if (!done.ok) return refuse(done.failure)
      code = done.value
    } finally {
      await session.value.close()
    }
  }
  for (const add of verbs) add(program, run)

  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    throw error
  }
}
