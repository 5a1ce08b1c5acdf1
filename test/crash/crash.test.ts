import assert from 'node:assert/strict'
import { type Campaign, missesOf, startCampaign, tableOf } from '../support/crash-campaign.ts'
import { crashPlans, groupsOf } from '../support/crash-plans.ts'
import { type Restarts, startRestarts } from '../support/crash-restarts.ts'
import type { Run } from '../support/crash-run.ts'
import { workloads } from '../support/crash-workloads.ts'

/*
 * The operator is a process of its own, and gets SIGKILL before, during and after every effect of a change. It is started
 * again on the same data folder, and then nothing may tell that it was ever killed: the end state is that of an
 * undisturbed run, the ledger has each transition once, nothing was done twice, and no state that was ever stored breaks
 * a rule (test/support/crash-invariants.ts). Lanes run side by side, each with a control plane of its own; on a lane some
workloads share each death.
 */
describe('an operator that is killed', function () {
  this.timeout(10 * 60_000)
  const lanes = 2
  const begun = performance.now()
  const recovered: number[] = []
  let campaign: Campaign
  let restarts: Restarts

  before(() => {
    campaign = startCampaign({ workloads, groups: groupsOf(crashPlans), lanes })
    restarts = startRestarts()
  })
  after(() => Promise.all([campaign.stop(), restarts.stop()]))

  const isWell = ({ violations }: Run): void => assert.equal(violations.join('\n'), '')

  for (const workload of workloads) {
    it(`${workload.name}, undisturbed: twice the same`, async () => isWell(await campaign.reference(workload)))
  }
  for (const plan of crashPlans) {
    it(plan.name, async () => {
      const run = await campaign.run(plan)
      recovered.push(run.recoveredMs)
      isWell(run)
    })
  }

  describe('with Leases of 15 s, the default', () => {
    it('gives them back on SIGTERM: the next one has the lead at its first look', async () => {
      const { looks, ms } = await restarts.handOver
      process.stdout.write(`      led ${ms.toFixed(0)} ms after its first look\n`)
      assert.equal(looks, 1)
    })

    it('waits, as a new leader, until its watch has shown what the one before has committed', async () => {
      const { config, faults } = await restarts.staleStandby
      assert.deepEqual(faults, [])
      assert.deepEqual(config, { title: 'B', colour: 'blue' })
    })

    it('goes on when the API server is killed in the middle of a change, and comes back', async () => {
      isWell(await restarts.apiServer)
    })

    it('comes back after SIGKILL in the middle of a change', async () => {
      const run = await restarts.killed
      process.stdout.write(`      recovered in ${(run.recoveredMs / 1000).toFixed(1)} s\n`)
      isWell(run)
    })
  })

  it('leaves nothing open, and a ledger with each event once', async () => {
    const reports = await campaign.reports()
    assert.deepEqual(
      reports.flatMap(({ faults }) => faults),
      [],
    )
  })

  it('was hit before, during and after every effect', async () => {
    const reports = await campaign.reports()
    const sum = (of: (report: (typeof reports)[number]) => number): number =>
      reports.reduce((total, report) => total + of(report), 0)
    const middle = recovered.toSorted((a, b) => a - b)[recovered.length >> 1] ?? 0
    process.stdout.write(`\n${tableOf(campaign.hits())}\n
${crashPlans.length} plans, ${sum(({ lives }) => lives)} processes, of which ${sum(({ unasked }) => unasked.length)} ended by themselves,
on ${lanes} lanes in ${((performance.now() - begun) / 1000).toFixed(0)} s; from a kill to the end of the workload ${(middle / 1000).toFixed(1)} s (median);
ledger: ${sum(({ ids }) => ids)} events in ${sum(({ rows }) => rows)} rows\n\n`)
    assert.deepEqual(missesOf(campaign.hits()), [])
  })
})
