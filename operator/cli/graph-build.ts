import { InvalidArgumentError, Option } from 'commander'
import { rebuildAnnotation } from '../api/annotations.ts'
import { failure, type Result, success } from '../api/result.ts'
import { keyOf } from '../core/component/identity.ts'
import type { Of } from '../ports/cluster.ts'
import { msOf, spanOf } from './age.ts'
import { type Bar, makeBar, type Progress } from './bar.ts'
import { environmentOf, type GraphFlags, withEnvironment } from './graph-place.ts'
import { type GraphPort, makeGraphPort } from './graph-port.ts'
import type { Desk, Verb } from './verb.ts'

interface BuildFlags extends GraphFlags {
  readonly wait: 'true' | 'false'
  /** milliseconds */
  readonly timeout: number
}

const help = `
The committed Components are the truth, and the graph is made of them. The operator does it under the environment's lock:
it compares what the store has with what is committed, element by element, and publishes what differs as one version; where
nothing does it changes nothing. Changes wait meanwhile.
It is what Karma does by itself when the two are not the same. You have to be allowed to patch environments.

Exit code: 0 it is built, or need not be (with --wait=false: it was asked for), 1 it is not, or could not be asked for.

Examples:
  kubectl karma graph build -n dev
  kubectl karma graph build -n dev --environment prod --timeout 10m
`

export const addBuild: Verb = (program, run) => {
  const command = program
    .command('build')
    .description('build the graph of an environment anew, from its committed Components')
    .addOption(new Option('--wait <wait>', 'wait until it is built').choices(['true', 'false']).default('true'))
    .option('--timeout <duration>', 'how long to wait for that, such as 90s or 10m', durationOf, msOf('10m'))
    .addHelpText('after', help)
  withEnvironment(command).action((flags: BuildFlags) => run(flags, (desk) => build(flags, desk)))
}

const durationOf = (text: string): number => {
  const ms = msOf(text)
  if (ms === undefined) throw new InvalidArgumentError('expected a duration such as 90s or 10m')
  return ms
}

const pause = 250

const build = async (flags: BuildFlags, { session, namespace, terminal }: Desk): Promise<Result<number>> => {
  const found = await environmentOf(session.objects, namespace, flags.environment)
  if (!found.ok) return found
  const key = keyOf(found.value)
  const asked = new Date(terminal.now()).toISOString()
  const patched = await session.objects.patch('Environment', key, {
    metadata: { annotations: { [rebuildAnnotation]: asked } },
  })
  if (!patched.ok) return patched
  const name = `environment.usekarma.dev/${found.value.metadata.name}`
  if (flags.wait === 'false') {
    terminal.out(`${name} asked to have its graph built\n`)
    return success(0)
  }
  const port = makeGraphPort(session, found.value)
  const bar = terminal.width === undefined ? undefined : makeBar(terminal.width, terminal.err, elementsText)
  const deadline = terminal.monotonic() + flags.timeout
  for (;;) {
    const read = await session.objects.get('Environment', key)
    if (!read.ok) return read
    if (read.value?.status?.graphRebuilt === asked) {
      bar?.end({ isWhole: true })
      terminal.out(`${name} ${endOf(read.value, asked)}\n`)
      return success(0)
    }
    if (!(terminal.monotonic() < deadline)) {
      bar?.end({ isWhole: false })
      return stillBuilding(key, flags.timeout)
    }
    if (bar) await advance(bar, port)
    await terminal.sleep(pause)
  }
}

/** What is set right is told with what it was asked by. */
const endOf = ({ status }: Of<'Environment'>, asked: string): string => {
  const repair = (status?.history ?? []).find(
    ({ type, attrs = '' }) => type === 'graph.repaired' && attrs.includes(JSON.stringify(asked)),
  )
  if (!repair) return 'graph is what is committed: there was nothing to build'
  return `graph built as version ${status?.version}`
}

const elementsText = ({ done, total }: Progress): string =>
  ` ${String(done).padStart(String(total).length)} of ${total} elements`

/** What cannot be read now is drawn the next time. */
const advance = async (bar: Bar, port: GraphPort): Promise<void> => {
  const answer = await port.progress()
  if (answer.ok && answer.value.progress) bar.draw(answer.value.progress)
}

const stillBuilding = (key: string, timeout: number): Result<never> =>
  failure({
    reason: 'Timeout',
    message: `Environment ${key}: expected its graph to be built within ${spanOf(timeout)}, found that it is not yet; it has been asked for. Is the operator running, and the graph store there?`,
    retry: true,
  })
