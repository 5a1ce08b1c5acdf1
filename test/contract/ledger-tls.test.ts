import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Failure } from '../../operator/api/result.ts'
import { type ClickHouseHttp, startClickHouseHttp, users } from '../cluster/clickhouse-http.ts'
import { type SelfSigned, selfSigned } from '../support/certificate.ts'

const program = fileURLToPath(new URL('ledger-over-https.ts', import.meta.url))

/** Whom Node trusts is said at its start, so each ledger is opened by a process of its own. */
describe('ledger over HTTPS', function () {
  this.timeout(60_000)
  let server: ClickHouseHttp
  let tls: Server
  let folder: string
  let own: SelfSigned
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'karma-tls-'))
    server = await startClickHouseHttp()
    own = selfSigned(Date.now())
    tls = createServer(own, (socket) => {
      const inner = connect(Number(new URL(server.url).port), '127.0.0.1')
      socket.pipe(inner).pipe(socket)
      for (const end of [socket, inner]) end.on('error', () => end.destroy())
    })
    tls.listen(0, '127.0.0.1')
    await once(tls, 'listening')
  })
  after(async () => {
    tls?.close()
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const openedBy = async (trusted: string | undefined, host = '127.0.0.1'): Promise<Failure | number> => {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      KARMA_LEDGER_URL: `https://${host}:${(tls.address() as AddressInfo).port}`,
      KARMA_LEDGER_USER: users.writer.user,
      KARMA_LEDGER_PASSWORD: users.writer.password,
    }
    if (trusted !== undefined) {
      env.NODE_EXTRA_CA_CERTS = join(folder, 'ca.pem')
      writeFileSync(env.NODE_EXTRA_CA_CERTS, trusted)
    }
    const { stdout } = await promisify(execFile)(process.execPath, [program], { env })
    return JSON.parse(stdout)
  }

  it('is opened with a certificate that is trusted, and has what was appended', async () => {
    assert.equal(await openedBy(own.cert), 1)
  })

  it('says that a certificate is not trusted, and what to set', async () => {
    for (const trusted of [undefined, selfSigned(Date.now()).cert]) {
      const { reason, message, retry } = (await openedBy(trusted)) as Failure
      assert.deepEqual([reason, retry], ['LedgerUnavailable', false])
      assert.match(message, /: its certificate is not trusted: .*; name the CA that it is from by NODE_EXTRA_CA_CERTS/)
    }
  })

  it('says that a certificate is for another host', async () => {
    const { reason, message, retry } = (await openedBy(own.cert, 'localhost')) as Failure
    assert.deepEqual([reason, retry], ['LedgerUnavailable', false])
    assert.match(message, /its certificate is not trusted: .*\(ERR_TLS_CERT_ALTNAME_INVALID\); .* by KARMA_LEDGER_URL$/)
  })
})
