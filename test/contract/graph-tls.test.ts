import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type GremlinServer, startGremlinServer } from '../cluster/gremlin-server.ts'

describe('a graph store over TLS', function () {
  this.timeout(60_000)
  let server: GremlinServer
  let folder: string
  before(async function () {
    this.timeout(300_000)
    folder = mkdtempSync(join(tmpdir(), 'karma-tls-'))
    server = await startGremlinServer({ secure: true })
    writeFileSync(join(folder, 'ca.pem'), server.ca ?? '')
  })
  after(async () => {
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = async (env: Readonly<Record<string, string>>) => {
    const program = join(import.meta.dirname, 'graph-tls-process.ts')
    const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env
    const ran = await promisify(execFile)(process.execPath, [program, server.url], { env: { ...rest, ...env } })
    return JSON.parse(ran.stdout)
  }

  it('is published to and read, where its certificate is trusted by NODE_EXTRA_CA_CERTS', async () => {
    assert.match(server.url, /^wss:/)
    const { published, ids } = await ask({ NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') })
    assert.deepEqual([published.ok, published.value?.version, ids], [true, 1, ['dev/a/1']])
  })

  it('is not spoken to where it is not trusted', async () => {
    const { published, ids } = await ask({})
    assert.deepEqual([published.ok, published.failure?.reason, ids], [false, 'GraphUnavailable', []])
    assert.match(published.failure.message, /self-signed certificate/)
  })
})
