import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { awaitLedger } from '../../operator/adapters/ledger/awaited.ts'
import { makeServerClient } from '../../operator/adapters/ledger/client.ts'
import { openLedger } from '../../operator/adapters/ledger/ledger.ts'
import { messageOf } from '../../operator/api/envelope.ts'
import type { Failure } from '../../operator/api/result.ts'
import { type ClickHouseHttp, startClickHouseHttp, users } from '../cluster/clickhouse-http.ts'
import { ledgerContract, ledgerEvent } from './ledger.ts'
import { lettersContract } from './ledger-letters.ts'
import { readingContract } from './ledger-reading.ts'
import { retentionContract } from './ledger-retention.ts'
import { viewsContract } from './ledger-views.ts'

describe('ledger over HTTP', function () {
  this.timeout(60_000)
  let server: ClickHouseHttp
  before(async () => {
    server = await startClickHouseHttp()
  })
  after(() => server?.close())

  const attempt = async (
    { url = server.url, user = users.writer }: { url?: string; user?: { user: string; password: string } } = {},
    silenceMs = 30_000,
  ) => openLedger({ client: await makeServerClient({ url, ...user }, { silenceMs }), where: url })
  const open = async () => {
    const ledger = await attempt()
    assert.ok(ledger.ok, ledger.ok ? '' : ledger.failure.message)
    return ledger.value
  }

  retentionContract('HTTP', () => makeServerClient({ url: server.url, ...users.writer }))
  ledgerContract('HTTP', open)
  // The same views in the same engine: what is new is the way there.
  viewsContract('HTTP', open, 2)
  lettersContract('HTTP', open)
  readingContract('HTTP', open)

  describe('says what is wrong in one line', () => {
    const refused = async (...asked: Parameters<typeof attempt>): Promise<Failure> => {
      const ledger = await attempt(...asked)
      assert.ok(!ledger.ok)
      assert.doesNotMatch(ledger.failure.message, /\n/)
      assert.doesNotMatch(ledger.failure.message, /secret|pass:word/)
      return ledger.failure
    }

    it('another password, another user', async () => {
      for (const user of [
        { user: 'karma', password: 'secret' },
        { user: 'nobody', password: 'secret' },
      ]) {
        const { reason, message, retry } = await refused({ user })
        assert.deepEqual([reason, retry], ['LedgerUnauthorized', false])
        assert.equal(
          message,
          `ledger in ${server.url}: the user is not let in: ${user.user}: Authentication failed: password is incorrect, or there is no user with such name; set KARMA_LEDGER_USER and KARMA_LEDGER_PASSWORD right`,
        )
      }
    })

    it('a user who may only read', async () => {
      const { reason, message, retry } = await refused({ user: users.reader })
      assert.deepEqual([reason, retry], ['LedgerForbidden', false])
      assert.match(message, /the user may not do that: .*readonly mode; grant it all on database karma$/)
    })

    it('a host that nobody knows, a port that nobody listens on, another protocol', async () => {
      const unknown = await refused({ url: 'http://karma.invalid:8123' })
      assert.deepEqual([unknown.reason, unknown.retry], ['LedgerUnavailable', true])
      assert.match(unknown.message, /its host is not known \((ENOTFOUND|EAI_AGAIN)\); look at KARMA_LEDGER_URL$/)
      const closed = await refused({ url: 'http://127.0.0.1:1' })
      assert.deepEqual([closed.reason, closed.retry], ['LedgerUnavailable', true])
      assert.match(closed.message, /no answer: connect ECONNREFUSED 127\.0\.0\.1:1$/)
      const tls = await refused({ url: server.url.replace('http:', 'https:') })
      assert.deepEqual([tls.reason, tls.retry], ['LedgerUnavailable', false])
      assert.match(tls.message, /what answers does not speak what the address says \(\w+\); look at KARMA_LEDGER_URL$/)
    })

    it('one that takes the connection and says nothing', async () => {
      const silent = createServer(() => {}).listen(0, '127.0.0.1')
      await once(silent, 'listening')
      try {
        const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
        const { reason, message, retry } = await refused({ url }, 200)
        assert.deepEqual([reason, retry], ['LedgerUnavailable', true])
        assert.match(message, /Timeout/)
      } finally {
        silent.close()
      }
    })
  })

  it('what fails in between is rejected clearly, and the same ledger goes on when the server is back', async () => {
    const ledger = await open()
    const events = [ledgerEvent({ id: 'back', correlation_id: 'back' })].map(messageOf)
    await server.kill()
    await assert.rejects(ledger.append(events), /^Error: ledger in http:\S+: no answer: /)
    await assert.rejects(ledger.query({ limit: 1 }), /no answer: connect ECONNREFUSED/)
    await assert.rejects(ledger.stats({ view: 'outcomes', limit: 1 }), /no answer: connect ECONNREFUSED/)
    await server.restart()
    await ledger.append(events)
    assert.equal((await ledger.query({ correlationId: 'back', limit: 10 })).length, 1)
    await ledger.close()
  })

  it('a server that is away at the start is waited for in the background', async () => {
    await server.kill()
    const said: string[] = []
    const log = {
      info: (_: object, message: string) => void said.push(message),
      warn: ({ reason }: Partial<Failure>, message: string) => void said.push(`${reason}: ${message}`),
    }
    const ledger = await awaitLedger({
      open: attempt,
      sleep: async (ms, signal) => void (await sleep(ms, undefined, { signal }).catch(() => {})),
      backoff: () => 50,
      log,
    })
    assert.ok(ledger.ok)
    const events = [ledgerEvent({ id: 'later', correlation_id: 'later' })].map(messageOf)
    await assert.rejects(ledger.value.append(events), /no answer: connect ECONNREFUSED/)
    await server.restart()
    const appended = async (): Promise<boolean> =>
      ledger.value.append(events).then(
        () => true,
        () => false,
      )
    while (!(await appended())) await sleep(20)
    assert.equal((await ledger.value.query({ correlationId: 'later', limit: 10 })).length, 1)
    assert.deepEqual(said, [
      'LedgerUnavailable: the ledger is away; changes go on, and their events wait',
      'the ledger is open',
    ])
    await ledger.value.close()
  })
})
