import { failure, type Result, success } from '../api/result.ts'
import { keyOf } from '../core/component/identity.ts'
import { makeGraphHistory } from './graph-history.ts'
import { atOption, environmentOf, type GraphFlags, versionAt, withEnvironment } from './graph-place.ts'
import { readNote } from './graph-port.ts'
import { impactFormats, printReach } from './impact.ts'
import { outputOption } from './output.ts'
import { componentOf } from './target.ts'
import type { Desk, Verb } from './verb.ts'

interface ImpactFlags extends GraphFlags {
  readonly at?: string
  readonly output: (typeof impactFormats)[number]
}

const help = `
As kubectl karma impact, on the graph of one environment at a version: dependents in other environments and namespaces
are not part of it. -o wide adds the way on which a change comes to each.

Examples:
  kubectl karma graph impact vpc-subnet/apps -n dev --at 41
  kubectl karma graph impact vpc-subnet/apps -o wide
  kubectl karma graph impact vpc-subnet/apps -o dot | dot -Tsvg > impact.svg
`

export const addGraphImpact: Verb = (program, run) => {
  const command = program
    .command('impact')
    .description('list whom a change of a Component could reach at a version')
    .argument('<component>', 'TYPE/NICKNAME, or component/NAME')
    .addOption(atOption())
    .addOption(outputOption(impactFormats))
    .addHelpText('after', help)
  withEnvironment(command).action((component: string, flags: ImpactFlags) =>
    run(flags, (desk) => showImpact(component, flags, desk)),
  )
}

const showImpact = async (text: string, flags: ImpactFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const target = componentOf(text, namespace)
  if (!target.ok) return target
  const at = versionAt(flags.at)
  if (!at.ok) return at
  const environment = await environmentOf(session.objects, namespace, flags.environment)
  if (!environment.ok) return environment
  const answer = await makeGraphHistory(environment.value, desk).states(at.value)
  if (!answer.ok) return answer
  const { version, states, from } = answer.value
  const { id } = target.value
  // Loaded when needed: the graph is a good part of the program.
  const { reachAmong } = await import('./reach.ts')
  const about = { id, environment: environment.value.metadata.name, now: terminal.monotonic }
  const reach = reachAmong(states, about)
  const key = keyOf(environment.value)
  if (!reach) return notThere(id, key, version)
  terminal.err(readNote(answer.value, environment.value))
  printReach(reach, flags.output, terminal, { environment: key, version, from })
  return success(0)
}

const notThere = (id: string, environment: string, version: number): Result<never> =>
  failure({
    reason: 'UnknownComponent',
    message: `Component ${id}: expected one that is committed in ${environment} at version ${version}, found none of that name; kubectl karma graph show --at ${version} lists them`,
    retry: false,
  })
