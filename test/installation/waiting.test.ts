import assert from 'node:assert/strict'
import { installation } from '../support/installation.ts'
import type { Karma, Operator } from '../support/installed-karma.ts'
import { openNamespace } from '../support/karma-namespace.ts'
import { manyWaiting } from '../support/many-waiting.ts'

/** of which 16 are written at a time */
const many = 64
const idleMs = 5_000

// `npm run bench waiting` measures the same for 500 and a minute.
describe(`${many} changes that wait for one output`, function () {
  this.timeout(400_000)
  let karma: Karma
  let operator: Operator

  before(async () => {
    karma = await installation()
    operator = await karma.startOperator()
  })
  after(async () => {
    await operator?.process.stop()
  })

  it('cost nothing while they wait, and all are applied when it comes', async () => {
    const here = await openNamespace(karma.api, 'waiting')
    const { asked, left, appliedMs } = await manyWaiting({ karma, here, many, idleMs, progress: () => {} })
    console.log(
      `      all left the queue after ${Math.round(left.at(-1)!)} ms, applied after ${Math.round(appliedMs)} ms`,
    )
    assert.deepEqual(asked, [])
    assert.equal(left.length, many)
    for (const i of [0, many - 1]) {
      const leaf = await here.get('Component', `leaf.${i}`)
      assert.deepEqual(leaf?.status?.committed?.config, { i, url: `\${hub.url}` })
    }
  })
})
