import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomOf } from '../faults/random.ts'
import { connectTo, dyingAfter, graphOver, type Submitting } from '../support/gremlin-graph.ts'
import { type GremlinProxy, startGremlinProxy } from '../support/gremlin-proxy.ts'
import { graphStoreContract } from './graph-store.ts'
import { emptyServer } from './gremlin-server.ts'

/*
 * The whole contract while the server is as Neptune is on a busy day: a share of the writes is refused as conflicts that
 * nobody had (3-4 % under high load), connections that rest are cut, and so is one in the middle of something.
 */
const conflictShare = 0.04
/** A connection that was silent for so long is cut. */
const restMs = 50
/** one request of so many finds that it rested */
const restEvery = 150
/** one request of so many is under way when its connection is cut */
const cutEvery = 100
const fewRecords = 40
const runs = 15

const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED)

graphStoreContract(
  'gremlin 3.8.0 with conflicts and cuts',
  async () => {
    const { server } = await emptyServer()
    const proxy = await startGremlinProxy({ target: { host: '127.0.0.1', port: server.port } })
    const random = randomOf(seed)
    const hits = { rested: 0, busy: 0 }
    proxy.conflicts({ share: conflictShare, random: () => random.below(10_000) / 10_000 })
    proxy.onRequest(({ write }) => {
      if (random.below(cutEvery) > 0) return
      hits.busy++
      // A write is cut off after it is committed: one that may still be under way lands when the contract does not expect
      // it, of a publisher that it takes for dead.
      if (write) proxy.lose(1)
      else proxy.cutAll()
    })
    // Two that are refused eight times in a row are not what this is about.
    const connection = connectTo(proxy.url, { backoff: { firstMs: 2, maxMs: 40, attempts: 12, reconnects: 6 } })
    const submitting = resting(connection, async () => {
      if (random.below(restEvery) > 0) return
      hits.rested++
      proxy.set({ cut: restMs })
      await sleep(3 * restMs)
      proxy.set('pass')
    })
    return {
      store: graphOver(submitting, fewRecords),
      dying: (requests: number) => graphOver(dyingAfter(requests, submitting), fewRecords),
      close: async () => {
        await connection.close()
        await proxy.close()
        told(proxy, hits)
      },
    }
  },
  runs,
)

const resting = (connection: Submitting, rest: () => Promise<void>): Submitting => ({
  async submit(bytecode, options) {
    await rest()
    return connection.submit(bytecode, options)
  },
})

function told({ counts }: GremlinProxy, hits: { readonly rested: number; readonly busy: number }): void {
  const { requests, writes, conflicts, connections, cut, unreadable } = counts
  // Connections that end otherwise than by what was in the middle of something have rested.
  console.log(
    `      seed ${seed}, hits ${JSON.stringify({ requests, writes, conflicts, connections, cut, ...hits, unreadable })}`,
  )
  assert.equal(unreadable, 0, `seed ${seed}: the proxy could not read a request`)
  for (const [what, times] of Object.entries({ conflicts, rested: hits.rested, 'busy when cut': hits.busy })) {
    assert.ok(times > 0, `seed ${seed}: expected "${what}" to have happened, found that it never did`)
  }
  assert.ok(connections > hits.busy + 1, `seed ${seed}: no connection was cut while it rested`)
}
