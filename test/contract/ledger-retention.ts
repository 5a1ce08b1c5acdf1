import assert from 'node:assert/strict'
import type { ClickHouseClient } from '@clickhouse/client'
import { openLedger } from '../../operator/adapters/ledger/ledger.ts'
import { messageOf } from '../../operator/api/envelope.ts'
import { ledgerEvent } from './ledger.ts'
import { deadLetter } from './ledger-letters.ts'

const day = 86_400_000

/**
 * What is too old leaves, and the engine is asked to look for it only when something is new. Before the other contracts:
 * then there is little to go through, and it leaves nothing behind.
 */
export const retentionContract = (name: string, connect: () => Promise<ClickHouseClient>): void => {
  describe(`retention of the ledger: ${name}`, function () {
    this.timeout(60_000)
    let client: ClickHouseClient
    before(async () => {
      client = await connect()
    })
    after(async () => {
      for (const table of tables) await client.command({ query: `TRUNCATE TABLE karma.${table}` })
      await client.close()
    })

    const open = async (keepDays?: number) => {
      const ledger = await openLedger({ client: await connect(), where: name, keepDays })
      assert.ok(ledger.ok, ledger.ok ? '' : ledger.failure.message)
      return ledger.value
    }
    const read = async <T>(query: string): Promise<T[]> => {
      const answer = await client.query({ query, format: 'JSONEachRow' })
      return answer.json<T>()
    }
    const tables = ['events', 'dead_letters']
    const mutations = async (table: string) =>
      (await read(`SELECT mutation_id FROM system.mutations WHERE database = 'karma' AND table = '${table}'`)).length
    const engine = async (table: string): Promise<string> => {
      const query = `SELECT engine_full AS text FROM system.tables WHERE database = 'karma' AND name = '${table}'`
      return (await read<{ text: string }>(query))[0]?.text ?? ''
    }

    it('is set, set otherwise, and taken back; setting it again does nothing', async () => {
      const steps: [keepDays: number | undefined, expected: RegExp, isNew: boolean][] = [
        [undefined, /^(?!.*TTL)/, false],
        [400, / TTL .*toIntervalDay\(\D*400\b/, true],
        [400, / TTL .*toIntervalDay\(\D*400\b/, false],
        [30, / TTL .*toIntervalDay\(\D*30\b/, true],
        [36_500, / TTL .*toIntervalDay\(\D*36500\b/, true],
        [undefined, /^(?!.*TTL)/, false],
        [undefined, /^(?!.*TTL)/, false],
      ]
      const ledger = await open()
      await ledger.append([messageOf(ledgerEvent({ id: 'first', correlation_id: 'first' }))])
      await ledger.keep([deadLetter({ reason: 'First' })])
      await ledger.close()
      for (const [keepDays, expected, isNew] of steps) {
        const before = await Promise.all(tables.map(mutations))
        await (await open(keepDays)).close()
        for (const [i, table] of tables.entries()) {
          assert.match(await engine(table), expected, `${table} ${keepDays}`)
          const isAsked = (await mutations(table)) > before[i]!
          assert.equal(isAsked, isNew, `${table} ${keepDays}: is the engine asked to go through everything?`)
        }
      }
    })

    it('takes what is older, and nothing else', async () => {
      const ages = { old: -31, young: -29, future: 365 * 170 }
      const ledger = await open(30)
      const events = Object.entries(ages).map(([id, days]) => {
        const at = Math.floor((Date.now() + days * day) / 1000) * 1000
        return ledgerEvent({ id: `kept-${id}`, correlation_id: 'kept', ts: new Date(at).toISOString() })
      })
      await ledger.append(events.map(messageOf))
      const letters = Object.entries(ages).map(([id, days]) =>
        deadLetter({ reason: 'Kept', message: id, at: new Date(Date.now() + days * day).toISOString(), offset: id }),
      )
      await ledger.keep(letters)
      for (const table of tables) await client.command({ query: `OPTIMIZE TABLE karma.${table} FINAL` })
      assert.deepEqual(
        (await ledger.deadLetters({ reason: 'Kept', limit: 10 })).map(({ message }) => message),
        ['future', 'young'],
      )
      const left = await ledger.query({ correlationId: 'kept', limit: 10 })
      assert.deepEqual(
        left.map(({ id }) => id),
        ['kept-young', 'kept-future'],
      )
      await ledger.close()
      await (await open()).close()
    })
  })
}
