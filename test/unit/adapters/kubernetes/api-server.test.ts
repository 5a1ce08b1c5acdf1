import assert from 'node:assert/strict'
import { makeApiServer } from '../../../../operator/adapters/kubernetes/api-server.ts'
import { failure, type Result, success } from '../../../../operator/api/result.ts'
import { installed } from '../../../../operator/cli/installation.ts'
import type { ApiServer } from '../../../../operator/ports/api-server.ts'

const item = (name: string) => ({ metadata: { name } })
const notFound = failure({ reason: 'NotFound', message: 'nothing is served there', retry: false })

/** What the server answers, by method, path and what is to be continued. */
const serverOf = (answers: Readonly<Record<string, Result<unknown>>>) => {
  const asked: string[] = []
  const answer = async (line: string): Promise<Result<never>> => {
    asked.push(line)
    return (answers[line] ?? notFound) as Result<never>
  }
  const client = {
    get: (path: string) => answer(`GET ${path}`),
    list: (path: string, { query = {}, accept = '' }: { query?: { continue?: string }; accept?: string }) =>
      answer(
        `GET ${path}${query.continue ? ` ${query.continue}` : ''}${accept.includes('Partial') ? ' metadata' : ''}`,
      ),
    create: (path: string) => answer(`POST ${path}`),
    patch: (path: string) => answer(`PATCH ${path}`),
    remove: (path: string) => answer(`DELETE ${path}`),
  }
  return { api: makeApiServer({ client: client as never, server: 'https://example.test/' }), asked }
}

const page = (names: string[], { next, remaining = 0 }: { next?: string; remaining?: number } = {}) =>
  success({ items: names.map(item), resourceVersion: '7', remaining, ...(next !== undefined && { continue: next }) })

const namesIn = async (api: ApiServer, path: string): Promise<string[]> => {
  const names: string[] = []
  for await (const page of api.pages(path, { metadataOnly: true })) {
    if (!page.ok) return [...names, page.failure.reason]
    names.push(...page.value.items.map(({ metadata }) => metadata.name))
  }
  return names
}

describe('adapters/kubernetes/api-server', () => {
  it('reads a list page by page, metadata alone, and counts what is still to come', async () => {
    const { api } = serverOf({
      'GET /x metadata': page(['a'], { next: 'next' }),
      'GET /x next metadata': page(['b']),
      'GET /y': page(['a'], { next: 'next', remaining: 7 }),
    })
    assert.deepEqual(await namesIn(api, '/x'), ['a', 'b'])
    const first = await api.list('/y')
    assert.equal(first.ok && first.value.total, 8)
  })

  it('finds nothing where nothing is served', async () => {
    const { api } = serverOf({})
    assert.deepEqual(await namesIn(api, '/y'), [])
    assert.deepEqual(await installed(api), { ok: true, value: [] })
  })

  it('ends a list that fails in the middle with its failure', async () => {
    const { api } = serverOf({
      'GET /x metadata': page(['a'], { next: 'next' }),
      'GET /x next metadata': failure({ reason: 'Expired', message: 'too old', retry: true }),
    })
    assert.deepEqual(await namesIn(api, '/x'), ['a', 'Expired'])
  })

  it('removes what is there, and what is not; who may not hears it', async () => {
    const forbidden = { reason: 'Forbidden', message: 'no', retry: false }
    const { api, asked } = serverOf({ 'DELETE /x/a': success({}), 'DELETE /x/c': failure(forbidden) })
    assert.ok((await api.remove('/x/a')).ok)
    assert.ok((await api.remove('/x/b')).ok)
    assert.deepEqual(await api.remove('/x/c'), { ok: false, failure: forbidden })
    assert.deepEqual(asked, ['DELETE /x/a', 'DELETE /x/b', 'DELETE /x/c'])
  })
})
