import { InvalidArgumentError, Option } from 'commander'
import { type Failure, failure, type Result, success } from '../api/result.ts'
import { isOpen } from '../core/change/life.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import type { Of } from '../ports/cluster.ts'
import { msOf, spanOf } from './age.ts'
import { because, readChange } from './change.ts'
import { withConnection } from './output.ts'
import { changeOf } from './target.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

interface CancelFlags extends CommonFlags {
  readonly wait: 'true' | 'false'
  /** milliseconds */
  readonly timeout: number
}

const help = `
A change can be taken back until it is Applying; after that it is carried through, and kubectl karma rollback undoes it.

Exit code: 0 it is cancelled (with --wait=false: it was asked to be), 1 it was too late, or could not be asked.

Examples:
  kubectl karma cancel new-alias -n dev
  kubectl karma cancel new-alias --wait=false
`

export const addCancel: Verb = (program, run) => {
  const command = program
    .command('cancel')
    .description('take a change back')
    .argument('<change>', 'NAME of a ChangeRequest')
    .addOption(new Option('--wait <wait>', 'wait until it has ended').choices(['true', 'false']).default('true'))
    .option('--timeout <duration>', 'how long to wait for that, such as 90s or 2m', durationOf, msOf('60s'))
    .addHelpText('after', help)
  withConnection(command).action((change: string, flags: CancelFlags) =>
    run(flags, (desk) => cancel(change, flags, desk)),
  )
}

const durationOf = (text: string): number => {
  const ms = msOf(text)
  if (ms === undefined) throw new InvalidArgumentError('expected a duration such as 90s or 2m')
  return ms
}

/** What is left to do for somebody who wants this request cancelled. */
export const cancelStep = (
  request: Of<'ChangeRequest'>,
):
  | { readonly to: 'Ask' | 'Wait' }
  | { readonly to: 'Done' }
  | { readonly to: 'TooLate'; readonly failure: Failure } => {
  const phase = phaseOf(request.status)
  if (phase === 'Cancelled') return { to: 'Done' }
  if (isOpen(phase)) return { to: request.spec.cancel === true ? 'Wait' : 'Ask' }
  const { namespace, name } = request.metadata
  const advice = isFinished(phase)
    ? phase === 'Applied'
      ? `; kubectl karma rollback ${name} -n ${namespace} undoes it`
      : ''
    : '; it will be carried through'
  const message = `ChangeRequest ${namespace}/${name}: too late to cancel: expected a phase before Applying, found ${phase}${because(request)}${advice}`
  return { to: 'TooLate', failure: { reason: 'TooLate', message, retry: false } }
}

const pause = 250

const cancel = async (text: string, flags: CancelFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const target = changeOf(text, namespace)
  if (!target.ok) return target
  const { key } = target.value
  const deadline = terminal.monotonic() + flags.timeout
  for (;;) {
    const read = await readChange(session.objects, key)
    if (!read.ok) return read
    const step = cancelStep(read.value)
    if (step.to === 'TooLate') return failure(step.failure)
    if (step.to === 'Done') break
    if (step.to === 'Ask') {
      const asked = await session.objects.patch('ChangeRequest', key, { spec: { cancel: true } })
      if (!asked.ok) return asked
    }
    if (flags.wait === 'false') {
      terminal.out(`changerequest.usekarma.dev/${read.value.metadata.name} asked to be cancelled\n`)
      return success(0)
    }
    if (!(terminal.monotonic() < deadline)) return stillWaiting(key, flags.timeout)
    await terminal.sleep(pause)
  }
  terminal.out(`changerequest.usekarma.dev/${key.split('/')[1]} cancelled\n`)
  return success(0)
}

const stillWaiting = (key: string, timeout: number): Result<never> =>
  failure({
    reason: 'Timeout',
    message: `ChangeRequest ${key}: expected it to be cancelled within ${spanOf(timeout)}, found that it is not yet; it has been asked for. Is the operator running?`,
    retry: true,
  })
