import { installKarma } from '../support/installed-karma.ts'
import { openNamespace } from '../support/karma-namespace.ts'
import { manyWaiting } from '../support/many-waiting.ts'
import type { Bench } from './support/figure.ts'

const many = 500
const idleMs = 60_000

/** Changes that wait for one output: what they cost meanwhile, and how soon they move when it comes. */
const bench: Bench = async ({ figure, progress }) => {
  progress('starting the control plane')
  const karma = await installKarma({ auditLog: true })
  try {
    await karma.startOperator({ env: { KARMA_LOG_LEVEL: 'warn' } })
    const here = await openNamespace(karma.api, 'waiting')
    const waited = await manyWaiting({ karma, here, many, idleMs, progress })
    const { asked, renewals, watchesEnded, left, appliedMs, bareMs } = waited
    figure({
      name: `API calls while ${many} requests wait ${idleMs / 1000} s`,
      value: asked.length,
      unit: 'calls',
      budget: { of: 'value', atMost: 0 },
    })
    figure({
      name: '… beside it: renewals of the lead, watches begun anew',
      value: renewals + watchesEnded,
      unit: 'calls',
    })
    const against = `${bareMs.toFixed(0)} ms: one bare patch of each, 32 at a time`
    const last = left.at(-1) ?? Number.NaN
    figure({
      name: 'the output is reported: half have left the queue',
      value: left[many / 2] ?? Number.NaN,
      unit: 'ms',
    })
    const budget = { of: 'value', atMost: 2_000 } as const
    figure({ name: '… all have left the queue', value: last, unit: 'ms', against, ratio: bareMs / last, budget })
    figure({ name: '… all are applied', value: appliedMs, unit: 'ms', against, ratio: bareMs / appliedMs })
  } finally {
    await karma.stop()
  }
}
export default bench
