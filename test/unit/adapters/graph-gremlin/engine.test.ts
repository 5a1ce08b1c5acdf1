import assert from 'node:assert/strict'
import {
  askEngine,
  engineRefusal,
  type Fetch,
  hasStatus,
  statusUrl,
} from '../../../../operator/adapters/graph-gremlin/engine.ts'

describe('which engine the graph store is', () => {
  const cases: [string | undefined, string | undefined, RegExp | undefined][] = [
    ['1.5.0.0', 'tinkerpop-3.8.0', undefined],
    ['1.3.2.1.R2', 'tinkerpop-3.7.1', undefined],
    ['Patch-1.3.2.1.R2', 'tinkerpop-3.7.1', undefined],
    ['1.2.1.0', 'tinkerpop-3.6.2', undefined],
    ['1.10.0.0', '3.10.0', undefined],
    ['2.0.0.0', 'tinkerpop-4.0.0', undefined],
    ['1.2.0.2', 'tinkerpop-3.5.2', /^expected Neptune engine 1\.2\.1\.0 or newer, found 1\.2\.0\.2; upgrade/],
    ['Patch-1.1.1.0.R7', 'tinkerpop-3.5.2', /found Patch-1\.1\.1\.0\.R7/],
    ['1.2.1.0', 'tinkerpop-3.6.1', /^expected TinkerPop 3\.6\.2 or newer, found tinkerpop-3\.6\.1/],
    [undefined, 'tinkerpop-3.5.4', /found tinkerpop-3\.5\.4/],
    [undefined, undefined, undefined],
    ['unheard of', 'unheard of', undefined],
  ]
  for (const [dbEngineVersion, version, refusal] of cases) {
    it(`${dbEngineVersion} with ${version} ${refusal ? 'is too old' : 'will do'}`, () => {
      const found = engineRefusal({ dbEngineVersion, gremlin: { version } })
      if (refusal) assert.match(found!, refusal)
      else assert.equal(found, undefined)
    })
  }

  it('is not known where the status is garbage', () => {
    for (const garbage of [undefined, null, 3, 'x', {}, { gremlin: null }, { dbEngineVersion: 7 }]) {
      assert.equal(engineRefusal(garbage), undefined)
    }
  })

  it('only Neptune is asked', () => {
    const host = 'c.cluster-x.eu-west-1.neptune.amazonaws.com'
    assert.equal(hasStatus(new URL(`wss://${host}:8182/gremlin`), false), true)
    assert.equal(hasStatus(new URL(`wss://${host}.cn:8182/gremlin`), false), true)
    assert.equal(hasStatus(new URL('ws://localhost:8182/gremlin'), false), false)
    assert.equal(hasStatus(new URL('ws://neptune.amazonaws.com.evil.example/gremlin'), false), false)
    assert.equal(hasStatus(new URL('wss://behind-a-name:8182/gremlin'), true), true)
    assert.equal(statusUrl(new URL('wss://h:8182/gremlin')).href, 'https://h:8182/status')
  })

  const asked = async (status: number, json: () => Promise<unknown>) => {
    const seen: unknown[] = []
    const fetch: Fetch = async (url, { headers, redirect }) => {
      seen.push([url, headers, redirect])
      return { status, json }
    }
    const sign = async (url: URL) => ({ host: url.host, authorization: `for ${url.pathname}` })
    const answer = await askEngine(new URL('wss://h:8182/gremlin'), { fetch, sign, signal: AbortSignal.timeout(9000) })
    assert.deepEqual(seen, [['https://h:8182/status', { authorization: 'for /status' }, 'error']])
    return answer
  }

  it('asks with a signature of its own', async () => {
    const old = { dbEngineVersion: '1.1.0.0', gremlin: { version: 'tinkerpop-3.4.11' } }
    assert.match((await asked(200, async () => old)).refusal!, /found 1\.1\.0\.0/)
    const answer = await asked(200, async () => ({ dbEngineVersion: '1.4.0.0' }))
    assert.deepEqual(answer, { refusal: undefined, isKnown: true })
  })

  it('goes on where it may not ask, or is not understood', async () => {
    assert.deepEqual(await asked(403, assert.fail), { isKnown: false })
    assert.deepEqual(await asked(404, assert.fail), { isKnown: false })
    const garbage = await asked(200, () => Promise.reject(new SyntaxError('<html>')))
    assert.deepEqual(garbage, { refusal: undefined, isKnown: false })
  })
})
