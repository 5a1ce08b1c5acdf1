import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type GremlinConnection, makeGremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import { makeGremlinGraph } from '../../operator/adapters/graph-gremlin/store.ts'
import { failure } from '../../operator/api/result.ts'
import type { GraphStore } from '../../operator/ports/graph.ts'

export type Submitting = Pick<GremlinConnection, 'submit'>

export const connectTo = (
  url: string,
  options: Partial<Parameters<typeof makeGremlinConnection>[0]> = {},
): GremlinConnection =>
  makeGremlinConnection({
    writer: url,
    clock: {
      now: Date.now,
      after(ms, callback) {
        const timer = setTimeout(callback, ms)
        return () => clearTimeout(timer)
      },
    },
    random: Math.random,
    log: { warn() {}, debug() {} },
    ...options,
  })

export const graphOver = (connection: Submitting, recordsPerRequest?: number): GraphStore =>
  makeGremlinGraph({
    connection,
    newEpoch: randomUUID,
    newAttempt: randomUUID,
    now: Date.now,
    sleep,
    random: Math.random,
    ...(recordsPerRequest !== undefined && { recordsPerRequest }),
  })

/** A process that ends after so many requests: nothing that it asks afterwards reaches the server. */
export const dyingAfter = (requests: number, connection: Submitting): Submitting => {
  let left = requests
  return {
    async submit(bytecode, options) {
      if (left-- > 0) return connection.submit(bytecode, options)
      return failure({ reason: 'GraphUnavailable', message: 'the process has ended', retry: false, outcome: 'NotDone' })
    },
  }
}

/** Each request takes a random time before it is sent, so that those of several publishers mix in every order. */
export const lingering = (connection: Submitting, mostMs: number, random: () => number): Submitting => ({
  async submit(bytecode, options) {
    await sleep(random() * mostMs)
    return connection.submit(bytecode, options)
  },
})
