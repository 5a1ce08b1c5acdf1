import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { admin, type User, userOf } from '../support/command-line-user.ts'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, refersTo } from '../support/karma-objects.ts'

/** gate, verdict and object of each gate */
const gatesOf = (out: string): string[] =>
  (JSON.parse(out).gates as { gate: string; verdict: string; object?: string }[]).map(({ gate, verdict, object }) =>
    [gate, verdict, object].filter(Boolean).join(' '),
  )

describe('kubectl karma why, impact, queue and cancel', () => {
  let tools: Karma
  let here: Namespace
  let me: User
  let viewer: User

  before(async function () {
    this.timeout(60_000)
    tools = karma()
    here = await openNamespace(tools.api, 'cli-read')
    me = admin(tools, here.name)
    await here.commit(
      componentType('cli-read-site', { guards: [{ name: 'never', expression: 'after.?size.orValue(0) != 13' }] }),
      component('cli-read-site/main', { config: { size: 1 } }),
      component('cli-read-cdn/main', { references: refersTo('cli-read-site/main') }),
      component('cli-read-dns/main', { references: refersTo('cli-read-cdn/main') }),
    )
    await here.create(
      component('cli-read-cdn/held', {
        config: { a: `\${site.url}` },
        references: [{ name: 'site', component: 'cli-read-site/main' }],
      }),
      component('cli-read-cdn/lost', { references: refersTo('cli-read-site/nowhere') }),
    )
    await here.until(
      'Component',
      'cli-read-cdn.lost',
      'to be held',
      ({ status }) => conditionOf(status, 'Stalled')?.status === 'True',
    )
    await here.until(
      'Component',
      'cli-read-cdn.held',
      'to wait',
      ({ status }) => conditionOf(status, 'Committed')?.reason === 'OutputsUnavailable',
    )
    for (const name of ['first', 'second']) {
      await here.create(
        changeRequest(name, { component: 'cli-read-cdn/main', proposedChange: { url: `\${cli-read-site-main.url}` } }),
      )
      await here.phase(name, 'Queued')
    }
    await here.ask(changeRequest('refused', { component: 'cli-read-site/main', proposedChange: { size: 13 } }))
    viewer = await userOf(tools, { namespace: here.name, name: 'viewer', role: 'view' })
  })
  after(() => viewer.forget())

  it('kubectl finds it by the name that the package gives it', async () => {
    const root = resolve(import.meta.dirname, '../..')
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const folder = mkdtempSync(join(tmpdir(), 'karma-plugin-'))
    try {
      for (const [name, path] of Object.entries<string>(bin)) symlinkSync(join(root, path), join(folder, name))
      const PATH = [folder, dirname(process.execPath), process.env.PATH].join(delimiter)
      const { stdout } = await promisify(execFile)(
        tools.controlPlane.binaries.kubectl,
        ['karma', 'queue', '-n', here.name, '-o', 'json'],
        { env: { ...process.env, PATH, KUBECONFIG: viewer.kubeconfig } },
      )
      assert.deepEqual(
        JSON.parse(stdout).queue.map(({ changeRequest: name }: { changeRequest: string }) => name),
        ['first', 'second'],
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('why: a change that waits', async () => {
    const { code, out } = await viewer.type(['why', 'second', '-o', 'json'])
    assert.equal(code, 0)
    assert.deepEqual(
      gatesOf(out).map((gate) => gate.replace(/^environment dev \w+/, 'environment dev')),
      [
        'request Allow',
        'guard OutputsUnavailable Queue cli-read-site/main',
        'guard QueuedBehind Queue changerequest/first',
        'guards Allow',
        'approval Allow',
        'queue of dev Queue',
        'environment dev environment/dev',
      ],
    )
    const { gates, holders } = JSON.parse(out)
    assert.equal(gates[5].message, '2 of 2; before it: first')
    assert.match(holders[0].state, /^Ready; committed as version \d+; outputs reported: none$/)
  })

  it('why: a change that was rejected', async () => {
    const { code, out } = await viewer.type(['why', 'changerequest.usekarma.dev/refused'])
    assert.equal(code, 0)
    assert.match(out, /^ChangeRequest cli-read\/refused is Rejected \(GuardFailed\), since \d+s\n/)
    assert.match(out, /^guard never +Reject +cli-read-site\/main +Component cli-read-site\/main: /m)
  })

  it('why: Components', async () => {
    const held = await viewer.type(['why', 'cli-read-cdn/held', '-o', 'json'])
    assert.deepEqual(gatesOf(held.out).slice(0, 2), ['commit Queue', 'reference site Queue cli-read-site/main'])
    const lost = await viewer.type(['why', 'component/cli-read-cdn.lost'])
    assert.match(lost.out, /^Component cli-read\/cli-read-cdn\/lost is not Ready \(MissingReference\), since \d+s\n/)
    assert.match(lost.out, /^reference cli-read-site-nowhere +Reject +cli-read-site\/nowhere/m)
    const ready = await viewer.type(['why', 'cli-read-site/main', '-o', 'json'])
    assert.equal(JSON.parse(ready.out).standing, 'Ready')
  })

  it('impact', async () => {
    const { code, out, err } = await viewer.type(['impact', 'cli-read-site/main', '-o', 'wide'])
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^1 +cli-read-cdn\/main +dev +cli-read-site\/main <-cli-read-site-main- cli-read-cdn\/main$/m)
    assert.match(out, /^2 +cli-read-dns\/main +dev +/m)
    assert.doesNotMatch(out, /held|lost/)
  })

  it('queue', async () => {
    const { code, out } = await viewer.type(['queue', 'dev'])
    assert.equal(code, 0)
    assert.match(
      out,
      /^ENV .*\ndev +1 +first +cli-read-cdn\/main +Queued +\d+s +cli-read-site\/main \(OutputsUnavailable\)\ndev +2 +second .*\n$/,
    )
    assert.match((await me.type(['queue', '-A'])).out, /^cli-read +dev +1 +first /m)
  })

  it('elsewhere all of it is refused to who may not read there', async () => {
    const elsewhere = [
      ['why', 'first'],
      ['why', 'cli-read-site/main'],
      ['impact', 'cli-read-site/main'],
      ['queue'],
      ['cancel', 'first'],
    ]
    for (const args of elsewhere) {
      const { code, out, err } = await viewer.type([...args, '-n', 'default'])
      assert.deepEqual([code, out], [1, ''], args.join(' '))
      assert.match(
        err,
        /is forbidden: User "system:serviceaccount:cli-read:viewer" cannot (get|list) .* in the namespace "default"; kubectl auth can-i/,
      )
    }
    assert.match((await viewer.type(['queue', '-A'])).err, /cannot list .* at the cluster scope/)
  })

  it('cancel is refused to who may only look', async () => {
    const { code, out, err } = await viewer.type(['cancel', 'second'])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /cannot patch resource "changerequests" .* in the namespace "cli-read".*\(Forbidden\)\n$/)
    assert.equal((await here.get('ChangeRequest', 'second'))?.spec.cancel, undefined)
  })

  it('cancel takes back, and says when it is too late', async () => {
    assert.deepEqual(await me.type(['cancel', 'second']), {
      code: 0,
      out: 'changerequest.usekarma.dev/second cancelled\n',
      err: '',
    })
    await here.phase('second', 'Cancelled')
    const applied = await here.ask(
      changeRequest('done', { component: 'cli-read-site/main', proposedChange: { size: 2 } }),
    )
    assert.equal(applied.status?.phase, 'Applied')
    const late = await me.type(['cancel', 'done'])
    assert.equal(late.code, 1)
    assert.match(
      late.err,
      /ChangeRequest cli-read\/done: too late to cancel: expected a phase before Applying, found Applied; kubectl karma rollback done -n cli-read undoes it \(TooLate\)\n$/,
    )
    assert.deepEqual(await me.type(['cancel', 'first', '--wait=false']), {
      code: 0,
      out: 'changerequest.usekarma.dev/first asked to be cancelled\n',
      err: '',
    })
    await here.phase('first', 'Cancelled')
    assert.match((await me.type(['queue'])).err, /nothing waits in namespace cli-read/)
  })
})
