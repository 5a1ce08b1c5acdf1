import assert from 'node:assert/strict'
import type { Bytecode } from 'gremlin'
import type { GremlinConnection } from '../../../../operator/adapters/graph-gremlin/connection.ts'
import * as statements from '../../../../operator/adapters/graph-gremlin/statements.ts'
import { failure, type Result, success } from '../../../../operator/api/result.ts'
import { graphOver } from '../../../support/gremlin-graph.ts'

const environment = 'dev/dev'
const isSame = (one: Bytecode, other: Bytecode): boolean => JSON.stringify(one) === JSON.stringify(other)
const headAt = (ready: number): Result<readonly unknown[]> => {
  const head = { epoch: 'e', ready, building: 0, claim: 1, attempt: '', sum: '0', horizon: 0 }
  return success([new Map(Object.entries(head))])
}
const away: Result<readonly unknown[]> = failure({ reason: 'GraphUnavailable', message: 'away', retry: true })

/** Who is asked for what, of a store whose writer is at version 3. */
const makeWorld = (reader: Result<readonly unknown[]>) => {
  const asked: string[] = []
  const submit: GremlinConnection['submit'] = async (bytecode, { endpoint = 'writer' }) => {
    const isHead = isSame(bytecode, statements.readHead(environment))
    asked.push(`${endpoint} ${isHead ? 'head' : 'versions'}`)
    if (!isHead) return success([])
    return endpoint === 'reader' ? reader : headAt(3)
  }
  return { asked, store: graphOver({ submit }) }
}

describe('adapters/graph-gremlin/store and a reader', () => {
  for (const { title, reader, from } of [
    { title: 'is as new', reader: headAt(3), from: 'reader' },
    { title: 'is newer', reader: headAt(4), from: 'reader' },
    { title: 'is behind', reader: headAt(2), from: 'writer' },
    { title: 'does not know the environment', reader: success([]), from: 'writer' },
    { title: 'gives no answer', reader: away, from: 'writer' },
    { title: 'says something else', reader: success(['garbage']), from: 'writer' },
  ]) {
    it(`asks the ${from} for history when the reader ${title}`, async () => {
      const { asked, store } = makeWorld(reader)
      assert.deepEqual(await store.versions(environment, 10), success([]))
      assert.deepEqual(asked, ['writer head', 'reader head', `${from} versions`])
    })
  }

  it('never asks the reader where something is decided', async () => {
    const { asked, store } = makeWorld(headAt(3))
    assert.equal((await store.head(environment)).ok, true)
    assert.equal((await store.view(environment, 0)).ok, true)
    assert.equal((await store.audit(environment)).ok, true)
    assert.deepEqual(
      asked.filter((one) => one.startsWith('reader')),
      [],
    )
  })
})
