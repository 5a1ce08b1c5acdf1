import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bytecode } from 'gremlin'
import { failure, type Result } from '../../operator/api/result.ts'
import type { Submitting } from './gremlin-graph.ts'

/** how long something is waited for that would otherwise hang */
const hangMs = 10_000

/** Nothing hangs. */
export const inTime = <T>(promise: Promise<T>, what: string): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => reject(new Error(`${what}: no end after ${hangMs} ms`)), hangMs)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Time-outs are short here, and machines are slow at times: whoever fails tries again, as it was told. */
export const eventually = async <T>(ask: () => Promise<Result<T>>): Promise<T> => {
  for (const begun = performance.now(); ; ) {
    const answer = await ask()
    if (answer.ok) return answer.value
    assert.ok(answer.failure.retry && performance.now() - begun < hangMs, answer.failure.message)
    await sleep(10)
  }
}

export const isUnavailable = (result: Result<unknown>, what: string): string => {
  assert.ok(!result.ok, `${what}: expected GraphUnavailable, found success`)
  const { reason, retry, message } = result.failure
  assert.deepEqual([reason, retry], ['GraphUnavailable', true], `${what}: ${message}`)
  return message
}

/** Something happens to the n-th write; `fault` returns what takes it away again. */
export const strikingAt = (
  connection: Submitting,
  n: number,
  fault: () => () => void,
): Submitting & { isStruck(): boolean } => {
  let writes = 0
  return {
    async submit(bytecode, options) {
      if (!options.write || writes++ !== n) return connection.submit(bytecode, options)
      const stop = fault()
      const answer = await connection.submit(bytecode, options)
      stop()
      return answer
    },
    isStruck: () => writes > n,
  }
}

export interface GivenUp extends Submitting {
  /** Sends it after all; undefined: there were not so many writes. */
  land(): Promise<Result<readonly unknown[]>> | undefined
}

/** Gives up the n-th write before it is sent. `ends`: and everything after it, like a process that is no more. */
export const givenUp = (connection: Submitting, n: number, { ends }: { ends: boolean }): GivenUp => {
  let writes = 0
  let held: { bytecode: Bytecode; options: Parameters<Submitting['submit']>[1] } | undefined
  return {
    async submit(bytecode, options) {
      const isIt = options.write && writes++ === n
      if (isIt) held = { bytecode, options }
      if (!isIt && !(ends && held)) return connection.submit(bytecode, options)
      const outcome = ends ? 'NotDone' : 'Unknown'
      return failure({ reason: 'GraphUnavailable', message: 'given up', retry: true, outcome })
    },
    land: () => held && connection.submit(held.bytecode, held.options),
  }
}
