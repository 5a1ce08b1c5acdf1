import { Command, CommanderError, Option } from 'commander'
import type { Failure, Result } from '../api/result.ts'
import type { Session, SessionOptions } from './kubeconfig.ts'
import { type Format, formats, isLogAnswer, type LogOptions, logPath, printLog } from './log.ts'
import { escaped } from './table.ts'
import { addUninstall } from './uninstall.ts'

/** What the command line touches of the world. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** standard output is a terminal, and NO_COLOR is not set */
  readonly colours: boolean
  readonly version: string
  readonly openSession: (options: SessionOptions) => Promise<Result<Session>>
  readonly get: (session: Session, path: string) => Promise<Result<unknown>>
}

type LogFlags = LogOptions & SessionOptions & { readonly output: Format }

/** Runs `kubectl karma` with these arguments and resolves the exit code. */
export const runProgram = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  const { out, err } = terminal
  let code = 0
  const program = new Command('kubectl karma')
    .description('Asks Karma, the gateway for infrastructure change.')
    .version(terminal.version)
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })

  program
    .command('log')
    .description('print the story of a change, or the latest events (newest first)')
    .argument('[change]', 'NAME of a ChangeRequest, or NAMESPACE/NAME')
    .addOption(new Option('-A, --all-namespaces', 'latest events of all namespaces').conflicts('namespace'))
    .option('-n, --namespace <namespace>', 'default: that of the kubeconfig’s context')
    .option('--correlation <uid>', 'the story of whatever has this uid, instead of a change')
    .option('--limit <count>', 'events at most (default: 100 of the latest, 5000 of a story)')
    .addOption(new Option('-o, --output <format>', 'format').choices(formats).default('table'))
    .option('--kubeconfig <path>', 'default: KUBECONFIG, then ~/.kube/config')
    .option('--context <name>', 'of the kubeconfig; default: its current one')
    .option('--token <token>', 'bearer token to show instead of the kubeconfig’s')
    .action(async (change: string | undefined, flags: LogFlags) => {
      const failed = await showLog(change, flags, terminal)
      if (!failed) return
      err(`error: ${escaped(failed.message)} (${escaped(failed.reason)})\n`)
      code = 1
    })

  addUninstall(program, terminal, (exit) => {
    code = exit
  })

  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    throw error
  }
}

const showLog = async (
  change: string | undefined,
  flags: LogFlags,
  { out, err, colours, openSession, get }: Terminal,
): Promise<Failure | undefined> => {
  const session = await openSession(flags)
  if (!session.ok) return session.failure
  const answer = await get(session.value, logPath(change, flags, session.value.namespace))
  if (!isLogAnswer(answer)) return notKarma
  if (!answer.ok) return answer.failure
  const namespace = change?.split('/').at(-2) ?? flags.namespace ?? session.value.namespace
  const { out: text, note } = printLog(answer.value, {
    format: flags.output,
    colours,
    ...(!flags.allNamespaces && { namespace }),
  })
  out(text)
  err(note)
  return undefined
}

const notKarma: Failure = {
  reason: 'Unreachable',
  message: 'the answer is not from Karma: expected {events}; look at KARMA_API',
  retry: false,
}
