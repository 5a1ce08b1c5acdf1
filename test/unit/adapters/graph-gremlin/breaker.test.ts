import assert from 'node:assert/strict'
import type { Bytecode } from 'gremlin'
import { withBreaker } from '../../../../operator/adapters/graph-gremlin/breaker.ts'
import { failure, type Result, success } from '../../../../operator/api/result.ts'

const bytecode = {} as Bytecode
const away = failure({ reason: 'GraphUnavailable', message: 'away', retry: true })

const makeStore = () => {
  const asked: { answer: (result: Result<readonly unknown[]>) => void; write: boolean; endpoint: string }[] = []
  let time = 0
  const connection = withBreaker(
    {
      submit: (_, { write, endpoint = 'writer' }) =>
        new Promise((answer) => void asked.push({ answer, write, endpoint })),
      close: async () => {},
    },
    { monotonic: () => time },
  )
  const read = (endpoint?: 'writer' | 'reader') =>
    connection.submit(bytecode, { write: false, ...(endpoint && { endpoint }) })
  return { asked, connection, read, pass: (ms: number) => (time += ms) }
}

describe('adapters/graph-gremlin/breaker', () => {
  it('lets everybody ask a store that answers', async () => {
    const { asked, read } = makeStore()
    const both = [read(), read()]
    assert.equal(asked.length, 2)
    for (const { answer } of asked) answer(success([1]))
    assert.deepEqual(await Promise.all(both), [success([1]), success([1])])
  })

  it('lets one at a time find out whether a store answers again', async () => {
    const { asked, read, pass } = makeStore()
    const first = read()
    asked[0]!.answer(away)
    assert.deepEqual(await first, away)
    // 1. For a moment nobody asks.
    assert.deepEqual(await read(), away)
    assert.equal(asked.length, 1)
    // 2. Then one does, and those beside it do not wait for that.
    pass(500)
    const probe = read()
    assert.deepEqual(await read(), away)
    assert.equal(asked.length, 2)
    // 3. It answers, and everybody asks again.
    asked[1]!.answer(success([]))
    assert.deepEqual(await probe, success([]))
    void read()
    void read()
    assert.equal(asked.length, 4)
  })

  it('asks the writer while the reader gives no answer, and the reader while the writer gives none', async () => {
    for (const [dead, other] of [['reader', 'writer'] as const, ['writer', 'reader'] as const]) {
      const { asked, read } = makeStore()
      const first = read(dead)
      asked[0]!.answer(away)
      await first
      assert.deepEqual(await read(dead), away)
      const second = read(other)
      assert.equal(asked[1]?.endpoint, other)
      asked[1]!.answer(success([1]))
      assert.deepEqual(await second, success([1]))
      // That this one answers says nothing of the other.
      assert.deepEqual(await read(dead), away)
      assert.equal(asked.length, 2)
    }
  })

  it('lets writes pass, and takes no refusal for an outage', async () => {
    const { asked, connection, read } = makeStore()
    const first = read()
    asked[0]!.answer(away)
    await first
    void connection.submit(bytecode, { write: true })
    assert.equal(asked[1]?.write, true)
    const { asked: others, read: readOther } = makeStore()
    const refused = failure({ reason: 'GraphRefused', message: 'too old', retry: false })
    const second = readOther()
    others[0]!.answer(refused)
    assert.deepEqual(await second, refused)
    void readOther()
    assert.equal(others.length, 2)
  })
})
