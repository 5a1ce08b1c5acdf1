import { atOption, type GraphFlags, versionAt, withEnvironment } from './graph-place.ts'
import { type PlanFlags, planFiles, planOptions } from './plan.ts'
import type { Desk, Verb } from './verb.ts'

interface SimulateFlags extends PlanFlags, GraphFlags {
  readonly at?: string
}

const help = `
As kubectl karma plan: impact, guards and hash of each ChangeRequest in these files, worked out here and published
nowhere. With --at the Components of the environment are as they were committed at that version, which is worked out from
what is committed now and from the ledger; everything else is as it is now: requests that wait, ComponentTypes, outputs,
what is reported, and other environments.

Exit code: as that of plan. 0 would be applied, 2 rejected, 3 would wait, 4 needs approval; 1 it cannot be told.

Examples:
  kubectl karma graph simulate -f change.yaml -n dev
  kubectl karma graph simulate -f change.yaml -n dev --at 41
`

export const addSimulate: Verb = (program, run) => {
  const command = program
    .command('simulate')
    .description('say what the ChangeRequests of a file would do on a version of the graph')
    .addOption(atOption('what is committed now'))
    .addHelpText('after', help)
  withEnvironment(planOptions(command)).action((flags: SimulateFlags) => run(flags, (desk) => simulate(flags, desk)))
}

const simulate = async (flags: SimulateFlags, desk: Desk) => {
  const at = versionAt(flags.at)
  if (!at.ok) return at
  const version = at.value
  if (version === undefined) return planFiles(flags, desk)
  // Loaded when needed: schemas, guards and graph are half of the program.
  const [{ readPast }, { snapshotThen }] = await Promise.all([import('./graph-past.ts'), import('./graph-then.ts')])
  return planFiles(flags, desk, {
    read: async (_, namespace, about) => {
      const past = await readPast({ namespace, environment: flags.environment, version, about }, desk)
      return past.ok ? { ok: true, value: snapshotThen(past.value) } : past
    },
  })
}
