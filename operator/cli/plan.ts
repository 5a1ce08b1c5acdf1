import { type Command, Option } from 'commander'
import type { Decision } from '../api/kinds.generated.ts'
import { failure, type Result, success } from '../api/result.ts'
import { phaseOf } from '../core/change/status.ts'
import { type Manifest, readManifests } from './manifests.ts'
import { type Format, outputOption, serialized, withConnection } from './output.ts'
import type { Planned } from './planned.ts'
import { plannedText } from './planned-text.ts'
import type { Wish } from './planning.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

export interface PlanFlags extends CommonFlags {
  readonly filename: readonly string[]
  readonly output: Format | 'wide'
}

/** The worst of all requests decides; what cannot be told at all is 1. */
const exitCodes: Readonly<Record<Decision, number>> = { Allow: 0, Warn: 0, Reject: 2, Queue: 3, RequireApproval: 4 }
const worstFirst: readonly Decision[] = ['Reject', 'Queue', 'RequireApproval']

const help = `
What would each ChangeRequest in these files do? It is worked out here, from what you may read, and nothing is
written. The hash is the one that the operator comes to. Each request is planned on what is committed now, not on
what those before it in the file would make of it.

Exit code: 0 would be applied, 2 would be rejected, 3 would wait, 4 needs approval; 1 it cannot be told.
Of several requests the worst counts: rejected, then waiting, then approval.

Examples:
  kubectl karma plan -f change.yaml
  kubectl karma plan -f changes/ -o json | jq '.plans[].hash'
  helm template chart | kubectl karma plan -f - -n dev
`

export const addPlan: Verb = (program, run) => {
  const command = program
    .command('plan')
    .description('say what the ChangeRequests of a file would do, without asking for them')
    .addHelpText('after', help)
  withConnection(planOptions(command)).action((flags: PlanFlags) => run(flags, (desk) => planFiles(flags, desk)))
}

/** Which files, and how it is said. */
export const planOptions = (command: Command): Command => {
  const many = (one: string, before: readonly string[] = []): readonly string[] => [...before, one]
  return command
    .addOption(
      new Option('-f, --filename <file>', 'file or folder of manifests; - is standard input; may be repeated')
        .argParser(many)
        .makeOptionMandatory(),
    )
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
}

/** Says what the ChangeRequests of these files would do. `wish`: other than now, and for the person. */
export const planFiles = async (flags: PlanFlags, desk: Desk, wish: Wish = {}): Promise<Result<number>> => {
  const manifests = await manifestsOf(flags.filename, desk.terminal)
  if (!manifests.ok) return manifests
  const requests = manifests.value.filter(isRequest)
  for (const { where, raw } of manifests.value.filter((manifest) => !isRequest(manifest))) {
    desk.terminal.err(`${where}: ${kindOf(raw)}: left out, only a ChangeRequest of usekarma.dev is planned\n`)
  }
  if (requests.length === 0) return noRequest(flags.filename)
  // Loaded when needed: schemas, guards and graph are half of the program.
  const { planAll } = await import('./planning.ts')
  const planned = await planAll(requests, { ...wish, flag: flags.namespace }, desk)
  if (!planned.ok) return planned
  const known = await Promise.all(planned.value.map((one) => withNameTaken(one, desk)))
  return printPlans(known, flags.output, desk)
}

/** Prints what these requests would do, and resolves the exit code that says it. */
export const printPlans = (
  plans: readonly Planned[],
  output: PlanFlags['output'],
  { terminal: { out, colours, width } }: Desk,
): Result<number> => {
  const look = { colours, width, wide: output === 'wide' }
  out(
    output === 'json' || output === 'yaml'
      ? serialized({ plans }, output)
      : plans.map((one) => plannedText(one, look)).join('\n'),
  )
  const worst = worstFirst.find((decision) => plans.some((one) => one.decision === decision))
  return success(worst ? exitCodes[worst] : 0)
}

/** A request is asked for once: applying it again under its name does nothing. */
const withNameTaken = async (planned: Planned, { session }: Desk): Promise<Planned> => {
  const key = `${planned.namespace}/${planned.changeRequest}`
  const there = await session.objects.get('ChangeRequest', key)
  if (!there.ok || !there.value) return planned
  const phase = phaseOf(there.value.status)
  const warning = `ChangeRequest ${key} is there already, and is ${phase}: kubectl apply would not ask again; give this one another name`
  return { ...planned, warnings: [...planned.warnings, warning] }
}

const manifestsOf = async (paths: readonly string[], terminal: Desk['terminal']): Promise<Result<Manifest[]>> => {
  const manifests: Manifest[] = []
  for (const path of paths) {
    const files = await terminal.readFiles(path)
    if (!files.ok) return files
    for (const { name, text } of files.value) {
      const found = readManifests(text, name)
      if (!found.ok) return found
      manifests.push(...found.value)
    }
  }
  return success(manifests)
}

const isRequest = ({ raw }: Manifest): boolean => {
  const { apiVersion, kind } = raw as { apiVersion?: unknown; kind?: unknown }
  return kind === 'ChangeRequest' && typeof apiVersion === 'string' && apiVersion.startsWith('usekarma.dev/')
}

const kindOf = (raw: unknown): string => {
  const { kind } = raw as { kind?: unknown }
  return typeof kind === 'string' ? kind : 'no object'
}

const noRequest = (paths: readonly string[]): Result<never> =>
  failure({
    reason: 'InvalidManifest',
    message: `${paths.join(', ')}: expected a ChangeRequest of usekarma.dev, found none`,
    retry: false,
  })
