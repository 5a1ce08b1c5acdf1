import assert from 'node:assert/strict'
import { openSession } from '../../operator/cli/kubeconfig.ts'
import { type ClickHouseHttp, startClickHouseHttp, users } from '../cluster/clickhouse-http.ts'
import type { Said } from '../support/command-line.ts'
import { type User, userOf } from '../support/command-line-user.ts'
import { installation } from '../support/installation.ts'
import type { Karma, Operator } from '../support/installed-karma.ts'
import { eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component } from '../support/karma-objects.ts'

/** From a change to what is read of it, with the ledger on a server that is away at first, and again later. */
describe('the ledger on a server', function () {
  this.timeout(120_000)
  let karma: Karma
  let server: ClickHouseHttp
  let operator: Operator
  let here: Namespace
  let user: User
  const env = (password: string) => ({
    KARMA_LEDGER_URL: server.url,
    KARMA_LEDGER_USER: users.writer.user,
    KARMA_LEDGER_PASSWORD: password,
    KARMA_LEDGER_KEEP_DAYS: '400',
  })
  const type = (...args: string[]): Promise<Said> => {
    const opened = async (options: Parameters<typeof openSession>[0]) => openSession(options, `http://${operator.http}`)
    return user.type(args, { opened })
  }
  const rowsOf = async (...args: string[]): Promise<Record<string, unknown>[]> => {
    const { out, err } = await type('stats', ...args, '-o', 'json')
    assert.equal(err, '')
    return JSON.parse(out).rows
  }
  const told = (what: string, isTold: (rows: Record<string, unknown>[]) => boolean, ...args: string[]) =>
    eventually(what, async () => {
      const { code, out, err } = await type('stats', ...args, '-o', 'json')
      const rows = code === 0 ? JSON.parse(out).rows : []
      return { found: isTold(rows) ? rows : undefined, last: { code, err, rows } }
    })

  before(async function () {
    this.timeout(20 * 60_000)
    server = await startClickHouseHttp({ started: false })
    karma = await installation()
    operator = await karma.startOperator({ env: env(users.writer.password) })
    here = await openNamespace(karma.api, 'told')
    user = await userOf(karma, { namespace: 'told', name: 'reader', role: 'view' })
  })
  after(async () => {
    user?.forget()
    await operator?.process.stop()
    await server?.close()
  })

  it('changes pass while it is away, and it has all of them when it is there', async () => {
    await here.commit(
      component('site/main', {
        config: { size: 1 },
        source: { repository: 'https://git.example/infra', revision: '1fd742f' },
      }),
      component('zone/main', { references: [{ name: 'site', component: 'site/main' }] }),
    )
    const wish = changeRequest('larger', { component: 'site/main', proposedChange: { size: 2 }, reason: 'more guests' })
    assert.equal((await here.ask(wish)).status?.phase, 'Applied')
    const away = await type('stats', 'outcomes')
    assert.deepEqual([away.code, away.out], [1, ''])
    assert.match(away.err, /the ledger cannot be read; see the operator’s log \(Unavailable\)/)
    const warned = operator.logged().filter(({ msg }) => msg.startsWith('the ledger is away'))
    assert.match(String(warned[0]?.message), /^ledger in http:\S+: no answer: connect ECONNREFUSED/)
    assert.doesNotMatch(JSON.stringify(operator.logged()), /pass:word/)

    await server.restart()
    await told('the change', ([row]) => row?.applied === 1, 'outcomes')
    const [lead] = await rowsOf('lead-time', '--environment', 'dev', '--since', '1h')
    assert.equal(lead?.applied, 1)
    const [affected] = await rowsOf('affected')
    assert.deepEqual([affected?.change, affected?.affected, affected?.nearest], ['larger', 1, ['zone/main']])
    assert.deepEqual(
      (await rowsOf('invalidations')).map(({ component: of, dependent }) => [of, dependent]),
      [['site/main', 'told/zone/main']],
    )
    const siteOf = (rows: Record<string, unknown>[]) => rows.filter((row) => row.component === 'site/main')
    const timeline = siteOf(await told('both commits', (rows) => siteOf(rows).length === 2, 'timeline'))
    assert.deepEqual(
      timeline.map(({ event, revision, by, why, change }) => [event, revision, by, why, change]),
      [
        ['committed', '1fd742f', 'admin', 'more guests', 'larger'],
        ['committed', '1fd742f', '', '', ''],
      ],
    )
  })

  it('draws the change as a tree', async () => {
    // 2, or 3 where the two Components came one after the other.
    const version = (await here.get('Component', 'site.main'))?.status?.committed?.graphVersion
    assert.ok(version === 2 || version === 3, `committed as version ${version}`)
    const lines = [
      /^ChangeRequest larger +\S+Z /m,
      /^├─ requested +\+0ms .* by admin of site\/main "more guests"$/m,
      /^├─ applying /m,
      new RegExp(`^│ {2}└─ published .* version ${version}$`, 'm'),
      new RegExp(`^│ {2}└─ committed .* Applied: by ChangeRequest larger, as version ${version}$`, 'm'),
      /^└─ applied /m,
    ]
    // Each kind's events are published for themselves: the Environment's may be here after those of the change.
    await eventually('the tree', async () => {
      const { code, out, err } = await type('trace', 'larger')
      const missing = lines.filter((line) => !line.test(out))
      return {
        found: code === 0 && err === '' && missing.length === 0 ? true : undefined,
        last: { code, out, err, missing },
      }
    })
  })

  it('has every change once after it was away in between', async () => {
    await server.kill()
    const names = ['one', 'two', 'three']
    for (const [size, name] of names.entries()) {
      const wish = changeRequest(name, { component: 'site/main', proposedChange: { size: size + 3 } })
      assert.equal((await here.ask(wish)).status?.phase, 'Applied')
    }
    await server.restart()
    const [row] = await told('the changes', ([first]) => first?.applied === 4, 'outcomes')
    assert.deepEqual([row?.changes, row?.open], [4, 0])
  })

  it('shows a reader what may be read, and nobody more', async () => {
    const { code, err } = await type('stats', 'outcomes', '-A')
    assert.equal(code, 1)
    assert.match(err, /may not list changerequests.usekarma.dev in all namespaces \(Forbidden\)/)
  })

  it('an operator whose password is wrong ends with one line that says so', async () => {
    await assert.rejects(karma.startOperator({ env: env('another') }), (error: Error) => {
      const [, ...lines] = error.message.trim().split('\n')
      assert.deepEqual(lines, [
        `karma: LedgerUnauthorized: ledger in ${server.url}: the user is not let in: karma: Authentication failed: password is incorrect, or there is no user with such name; set KARMA_LEDGER_USER and KARMA_LEDGER_PASSWORD right`,
      ])
      return true
    })
  })
})
