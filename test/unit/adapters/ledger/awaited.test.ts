import assert from 'node:assert/strict'
import { awaitLedger } from '../../../../operator/adapters/ledger/awaited.ts'
import { failure, type Result, success } from '../../../../operator/api/result.ts'
import type { Ledger } from '../../../../operator/ports/ledger.ts'

const away = failure({ reason: 'LedgerUnavailable', message: 'ledger: away', retry: true })
const wrong = failure({ reason: 'LedgerUnauthorized', message: 'ledger: wrong password', retry: false })

/** What is given to `open` one after the other, and when `sleep` ends. */
const begin = (answers: (Result<Ledger> | Promise<Result<Ledger>>)[]) => {
  const said: string[] = []
  const waits: number[] = []
  const closed: string[] = []
  let opened = 0
  const ledger: Ledger = {
    append: async () => {},
    query: async () => [],
    stats: async () => ({ columns: ['open'], rows: [] }),
    happened: async () => ({ items: [] }),
    arrived: async () => ({ items: [] }),
    count: async () => 7,
    keep: async () => {},
    deadLetters: async () => [],
    bytesOf: async () => Buffer.from('bytes'),
    markReplayed: async () => {},
    close: async () => void closed.push('closed'),
  }
  const started = awaitLedger({
    open: async () => (await answers[opened++]) ?? success(ledger),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        waits.push(ms)
        signal?.addEventListener('abort', () => resolve())
        // Whoever waits with patience waits for ever, or until somebody answers.
        if (ms !== 5_000 || answers.length === 0) setImmediate(resolve)
      }),
    backoff: (failures) => failures * 10,
    log: {
      info: (_, message) => void said.push(message),
      warn: ({ message }: { message?: string }) => void said.push(message ?? ''),
    },
  })
  return { started, said, waits, closed, ledger, opened: () => opened }
}

const untilOpen = async (ledger: Ledger): Promise<void> => {
  const isOpen = () =>
    ledger.stats({ view: 'drift', limit: 1 }).then(
      () => true,
      () => false,
    )
  while (!(await isOpen())) await new Promise(setImmediate)
}

describe('ledger that may be away', () => {
  it('is the ledger itself when it is there', async () => {
    const { started, ledger } = begin([])
    const result = await started
    assert.ok(result.ok)
    assert.equal(result.value, ledger)
  })

  it('fails where waiting would not do', async () => {
    assert.deepEqual(await begin([wrong]).started, wrong)
  })

  it('rejects until it is open, says each trouble once, and waits longer each time', async () => {
    const { started, said, waits, closed, opened } = begin([away, away, wrong, away])
    const result = await started
    assert.ok(result.ok)
    await assert.rejects(result.value.append([]), /ledger: /)
    await assert.rejects(result.value.query({ limit: 1 }), /ledger: /)
    await assert.rejects(result.value.keep([]), /ledger: /)
    await untilOpen(result.value)
    const { value } = result
    await Promise.all([value.keep([]), value.markReplayed([], '')])
    assert.deepEqual(
      await Promise.all([
        value.happened({}, { limit: 1 }),
        value.arrived({}, { limit: 1 }),
        value.count({}),
        value.deadLetters({ limit: 1 }),
        value.bytesOf('id'),
      ]),
      [{ items: [] }, { items: [] }, 7, [], Buffer.from('bytes')],
    )
    assert.deepEqual(said, ['ledger: away', 'ledger: wrong password', 'ledger: away', 'the ledger is open'])
    assert.deepEqual(waits, [5_000, 10, 20, 30, 40])
    assert.equal(opened(), 5)
    await result.value.close()
    assert.deepEqual(closed, ['closed'])
  })

  it('does not wait for one that says nothing', async () => {
    const answer = Promise.withResolvers<Result<Ledger>>()
    const { started, ledger, closed } = begin([])
    await started
    const silent = awaitLedger({
      open: () => answer.promise,
      sleep: async () => {},
      backoff: () => 1,
      log: { info() {}, warn() {} },
    })
    const result = await silent
    assert.ok(result.ok)
    await assert.rejects(result.value.append([]), /ledger: gives no answer yet/)
    answer.resolve(success(ledger))
    await untilOpen(result.value)
    await result.value.close()
    assert.deepEqual(closed, ['closed'])
  })

  it('closes while it waits, and opens no more', async () => {
    const { started, opened } = begin(Array.from({ length: 1000 }, () => away))
    const result = await started
    assert.ok(result.ok)
    await result.value.close()
    const tries = opened()
    await new Promise(setImmediate)
    assert.equal(opened(), tries)
    await assert.rejects(result.value.append([]), /ledger: away/)
  })
})
