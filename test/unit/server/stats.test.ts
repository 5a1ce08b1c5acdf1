import assert from 'node:assert/strict'
import { failure, success } from '../../../operator/api/result.ts'
import { viewNames } from '../../../operator/core/event/views.ts'
import type { Access } from '../../../operator/ports/access.ts'
import type { Ledger, StatsQuery } from '../../../operator/ports/ledger.ts'
import { makeStatsRoute, mostRows, parseStatsQuery } from '../../../operator/server/stats.ts'

/** Tokens are user names; `reader` may list in dev, `admin` everywhere. */
const access: Access = {
  identify: async (token) =>
    ['reader', 'admin'].includes(token)
      ? success({ username: token, groups: [] })
      : failure({ reason: 'Unauthorized', message: 'bearer token: unknown', retry: false }),
  may: async ({ username }, { verb, resource = 'changerequests', namespace, name }) =>
    success(
      verb === 'list' &&
        resource === 'changerequests' &&
        name === undefined &&
        (username === 'admin' || namespace === 'dev'),
    ),
}

const ask = async (query: Record<string, unknown>, token: string | undefined = 'reader', count = 1) => {
  const asked: StatsQuery[] = []
  const stats: Ledger['stats'] = async (question) => {
    asked.push(question)
    return { columns: ['n'], rows: Array.from({ length: Math.min(count, question.limit) }, (_, n) => ({ n })) }
  }
  const answer = await makeStatsRoute({ access, ledger: { stats } })(token, query)
  return { answer, asked }
}

describe('GET /api/v1/stats', () => {
  it('answers one view', async () => {
    const query = { view: 'lead-time', namespace: 'dev', environment: 'prod', since: '2026-01-31T12:00:00Z' }
    const { answer, asked } = await ask(query)
    assert.deepEqual(answer, success({ view: 'lead-time', columns: ['n'], rows: [{ n: 0 }], truncated: false }))
    const since = Date.UTC(2026, 0, 31, 12)
    assert.deepEqual(asked, [{ view: 'lead-time', namespace: 'dev', environment: 'prod', since, limit: mostRows + 1 }])
  })

  it('gives so many rows at most, and says that there are more', async () => {
    const many = (count: number) => ask({ view: 'timeline', namespace: 'dev' }, 'reader', count)
    const [whole, part] = [(await many(mostRows)).answer, (await many(mostRows + 1)).answer]
    assert.ok(whole.ok && part.ok)
    assert.deepEqual([whole.value.rows.length, whole.value.truncated], [mostRows, false])
    assert.deepEqual([part.value.rows.length, part.value.truncated], [mostRows, true])
  })

  const refused: [token: string | undefined, query: Record<string, unknown>, reason: string, message: RegExp][] = [
    [undefined, { view: 'drift' }, 'Unauthorized', /expected a bearer token/],
    ['stranger', { view: 'drift' }, 'Unauthorized', /unknown/],
    ['reader', { view: 'drift' }, 'Forbidden', /reader may not list changerequests\S+ in all namespaces/],
    ['reader', { view: 'drift', namespace: 'prod' }, 'Forbidden', /may not list changerequests\S+ in namespace prod/],
    // Who may not read at all is not told what there would be to read.
    [undefined, { view: 'nonsense' }, 'Unauthorized', /expected a bearer token/],
  ]
  for (const [token, query, reason, message] of refused) {
    it(`${token ?? 'nobody'} ${JSON.stringify(query)}: ${reason}`, async () => {
      const { answer, asked } = await ask(query, token ?? '')
      assert.ok(!answer.ok)
      assert.equal(answer.failure.reason, reason)
      assert.match(answer.failure.message, message)
      assert.deepEqual(asked, [])
    })
  }

  it('an administrator reads of all namespaces', async () => {
    assert.deepEqual((await ask({ view: 'drift' }, 'admin')).asked, [{ view: 'drift', limit: mostRows + 1 }])
  })

  for (const view of viewNames) {
    it(`knows ${view}`, () => assert.deepEqual(parseStatsQuery({ view }), success({ view })))
  }

  const bad: [query: Record<string, unknown>, message: RegExp][] = [
    [{}, /^view: expected one of outcomes, lead-time, .*, found ""$/],
    [{ view: 'toString' }, /^view: expected one of/],
    [{ view: 'drift', limit: '5' }, /^limit: expected one of view, namespace, environment, since, found "limit"/],
    [{ view: 'drift', namespace: 'Dev' }, /^namespace: expected the name of a namespace, found "Dev"/],
    [{ view: 'drift', environment: "x' OR 1" }, /^environment: expected the name of an Environment/],
    [{ view: 'drift', since: '24h' }, /^since: expected a time such as 2026-01-31T12:00:00Z, found "24h"/],
    [{ view: 'drift', since: '2026-13-31T12:00:00Z' }, /^since: expected a time/],
    [{ view: 'drift', since: '2300-01-01T00:00:00Z' }, /^since: expected a time/],
    [{ view: ['drift', 'drift'] }, /^view: expected one value/],
  ]
  for (const [query, message] of bad) {
    it(`${JSON.stringify(query)} is refused`, () => {
      const result = parseStatsQuery(query)
      assert.ok(!result.ok)
      assert.equal(result.failure.reason, 'BadRequest')
      assert.match(result.failure.message, message)
    })
  }
})
