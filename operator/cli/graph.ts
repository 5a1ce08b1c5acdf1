import { addBuild } from './graph-build.ts'
import { addDiff } from './graph-diff.ts'
import { addGraphImpact } from './graph-impact.ts'
import { addGraphRollback } from './graph-rollback.ts'
import { addShow } from './graph-show.ts'
import { addSimulate } from './graph-simulate.ts'
import { addVersions } from './graph-versions.ts'
import type { Verb } from './verb.ts'

/** In the order in which people meet them. */
const verbs: readonly Verb[] = [addShow, addGraphImpact, addDiff, addVersions, addSimulate, addGraphRollback, addBuild]

const help = `
Every change that passes the gate makes a version of its environment. Versions, and what they changed, are read from the
operator; you have to be allowed to list components in the namespace.

Examples:
  kubectl karma graph show -n dev
  kubectl karma graph diff --since 24h -n dev
  kubectl karma graph rollback 41 -n dev | kubectl karma plan -f - -n dev
`

export const addGraph: Verb = (program, run) => {
  const graph = program
    .command('graph')
    .description('look at the graph of an environment as of a version, at what changed it, and build it anew')
    .addHelpText('after', help)
  for (const add of verbs) add(graph, run)
}
