import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Attached } from '../cluster/attached.ts'
import { freePort } from '../cluster/free-port.ts'
import { operatorKubeconfig } from '../cluster/install.ts'
import { startOperator } from '../cluster/operator.ts'
import { karma } from '../support/karma.ts'
import { eventually } from '../support/karma-namespace.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

const kinds = ['ChangeRequest', 'Component', 'Environment', 'ComponentType', 'ChangeApproval']

/** One more operator beside the one that leads, with an API server that comes and goes. */
describe('the probes of an operator', function () {
  this.timeout(60_000)
  let folder: string
  let proxy: TcpProxy
  let operator: Attached
  let probes: string

  /** status and text; undefined: nobody answers */
  const probe = async (path: string): Promise<[number, string] | undefined> => {
    const answer = await fetch(`http://${probes}${path}`).catch(() => undefined)
    return answer && [answer.status, await answer.text()]
  }
  const log = (): string => readFileSync(join(folder, 'operator.log'), 'utf8')
  const lastLines = (): string => log().slice(-2000)
  const start = async (): Promise<void> => {
    const { controlPlane } = karma()
    const kubeconfig = await operatorKubeconfig({
      controlPlane,
      dir: folder,
      server: `https://127.0.0.1:${proxy.port}`,
    })
    probes = `127.0.0.1:${await freePort()}`
    operator = startOperator({
      kubeconfig,
      data: join(folder, 'data'),
      http: '127.0.0.1:0',
      log: join(folder, 'operator.log'),
      env: { KARMA_PROBES: probes },
    })
    await eventually(
      'expected probes that answer',
      async () => ({ found: operator.alive() ? await probe('/healthz') : undefined, last: lastLines() }),
      40_000,
    )
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'karma-probes-'))
    proxy = await startTcpProxy(() => Number(new URL(karma().controlPlane.url).port))
    proxy.fault = 'down'
    await start()
  })
  afterEach(async () => {
    await operator?.stop()
    await proxy?.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  it('say that it lives and is not ready while the API server is away, and that it is ready when it is there', async () => {
    await eventually('expected it to have failed to list', async () => {
      return { found: log().includes('listing failed, will try again') || undefined, last: lastLines() }
    })
    assert.deepEqual(await probe('/healthz'), [200, '[+] informers ok\nok\n'])
    const lacking = kinds.map((kind) => `${kind}: not listed yet`).join(', ')
    assert.deepEqual(await probe('/readyz'), [503, `[-] informers: ${lacking}\nnot ok\n`])
    const [status, text] = (await probe('/metrics')) ?? []
    assert.equal(status, 200)
    assert.match(text ?? '', /^karma_informer_objects\{informer="Component"\} 0$/m)

    proxy.fault = 'pass'
    await eventually(
      'expected it to be ready',
      async () => {
        const last = await probe('/readyz')
        return { found: last?.[0] === 200 ? last : undefined, last }
      },
      40_000,
    )
    assert.deepEqual(await probe('/readyz'), [200, '[+] informers ok\nok\n'])
    await operator.stop()
    assert.equal(await operator.ended, 0)
  })

  it('end another operator with one line, when they are to be where it listens already', async () => {
    const log = join(folder, 'another.log')
    const another = startOperator({
      kubeconfig: join(folder, 'karma-system.karma.kubeconfig'),
      data: join(folder, 'another'),
      http: '127.0.0.1:0',
      log,
      env: { KARMA_PROBES: probes },
    })
    assert.equal(await another.ended, 1)
    const said = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => !line.startsWith('{'))
    assert.deepEqual(said, [
      `karma: KARMA_PROBES: expected an address to listen on, found: listen EADDRINUSE: address already in use ${probes}`,
      '',
    ])
    assert.equal((await probe('/healthz'))?.[0], 200)
  })

  it('are gone when it ends, in order also where it never found the API server', async () => {
    await operator.stop()
    assert.equal(await operator.ended, 0)
    assert.equal(await probe('/healthz'), undefined)
  })
})
