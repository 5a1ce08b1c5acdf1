import assert from 'node:assert/strict'
import { compareVersions } from '../../operator/runtime/resource-version.ts'
import { type ProxiedRequest, pass, staleList, statusAnswer } from '../support/proxy.ts'
import { configMapsOf, eventually, startWorld, type World } from './runtime-world.ts'

describe('informer on a real API server', () => {
  let world: World
  let namespace: string
  let maps: ReturnType<typeof configMapsOf>
  let cleanup: (() => unknown)[]

  const isOf = (verb: ProxiedRequest['verb']) => (request: { verb: string; namespace?: string; resource: string }) =>
    request.verb === verb && request.namespace === namespace && request.resource === 'configmaps'
  const requests = (verb: ProxiedRequest['verb']) => world.proxy.requests.filter(isOf(verb))
  const informing = async (more?: Parameters<typeof maps.informer>[0]) => {
    const made = maps.informer(more)
    cleanup.push(() => made.informer.stop())
    made.informer.start()
    assert.equal(await made.informer.synced, true)
    await eventually(() => world.proxy.watches.open(isOf('watch')) === 1)
    return made
  }
  const expired = JSON.stringify({
    type: 'ERROR',
    object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' },
  })

  before(async function () {
    this.timeout(20 * 60_000)
    world = await startWorld()
  })
  after(async () => world?.stop())
  beforeEach(async () => {
    cleanup = []
    namespace = await world.namespace()
    maps = configMapsOf(world, namespace)
  })
  afterEach(async () => {
    for (const clean of cleanup.reverse()) await clean()
  })

  it('lists page by page and follows what happens', async () => {
    await Promise.all(Array.from({ length: 25 }, (_, at) => maps.create(`m-${at}`)))
    const { informer, changes } = await informing({ pageSize: 10 })
    await maps.converged(informer)
    assert.deepEqual(
      requests('list').map(({ url }) => [url.searchParams.get('limit'), url.searchParams.has('continue')]),
      [
        ['10', false],
        ['10', true],
        ['10', true],
      ],
    )
    changes.length = 0
    await maps.change('m-3', 'second')
    await maps.remove('m-4')
    await maps.create('m-99')
    await maps.converged(informer)
    assert.deepEqual(changes, ['m-3: first -> second', 'm-4: first -> -', 'm-99: - -> first'])
  })

  it('goes on after a cut in the middle of a line, without listing again', async () => {
    const { informer, changes } = await informing()
    await maps.create('a')
    await maps.converged(informer)
    changes.length = 0
    world.proxy.watches.cut(isOf('watch'), '{"type":"MODIFIED","object":{"kind":"Conf')
    await maps.change('a', 'second')
    await maps.create('b')
    await maps.converged(informer)
    assert.deepEqual([changes, requests('list').length], [['a: first -> second', 'b: - -> first'], 1])
  })

  it('leaves a watch that is open and silent', async () => {
    await maps.create('a')
    const { informer, changes, log } = await informing({ idleTimeoutMs: 700 })
    changes.length = 0
    const thaw = world.proxy.watches.freeze(isOf('watch'))
    cleanup.push(thaw)
    await maps.change('a', 'second')
    await eventually(() => log.lines.some(({ data }) => data.message === 'nothing came for 700 ms'))
    assert.deepEqual(changes, [])
    thaw()
    await maps.converged(informer)
    assert.deepEqual(changes, ['a: first -> second'])
  })

  it('after a 410 finds what it has missed, an object created again under its name included', async () => {
    await Promise.all(['again', 'changed', 'gone', 'same'].map((name) => maps.create(name)))
    const { informer, changes } = await informing()
    changes.length = 0
    const takeOff = world.proxy.watches.onLine((line) => (line.includes('"ERROR"') ? line : []))
    await maps.remove('again')
    await maps.create('again', 'second')
    await maps.change('changed', 'second')
    await maps.remove('gone')
    await maps.create('new')
    world.proxy.watches.inject(expired, isOf('watch'))
    await eventually(() => requests('list').length === 2)
    takeOff()
    await maps.converged(informer)
    assert.deepEqual(changes.sort(), [
      'again: - -> second',
      'again: first -> -',
      'changed: first -> second',
      'gone: first -> -',
      'new: - -> first',
    ])
  })

  it('begins on a list of long ago and catches up', async () => {
    await maps.create('a')
    await maps.create('b')
    const { version } = await maps.list()
    await maps.change('a', 'second')
    await maps.remove('b')
    let stale = 1
    cleanup.push(
      world.proxy.onRequest((request) =>
        isOf('list')(request) && stale-- > 0 ? staleList(request, version) : undefined,
      ),
    )
    const { informer, changes } = await informing()
    await maps.converged(informer)
    assert.deepEqual(changes, ['a: - -> first', 'b: - -> first', 'a: first -> second', 'b: first -> -'])
  })

  it('does not go back with a server that is behind', async () => {
    await maps.create('a')
    await maps.create('b')
    const { version } = await maps.list()
    const { informer, changes } = await informing()
    await maps.change('a', 'second')
    await maps.remove('b')
    await maps.converged(informer)
    changes.length = 0
    let stale = 3
    cleanup.push(
      world.proxy.onRequest((request) =>
        isOf('list')(request) && stale-- > 0 ? staleList(request, version) : undefined,
      ),
    )
    world.proxy.watches.inject(expired, isOf('watch'))
    await maps.create('c')
    await maps.converged(informer)
    assert.deepEqual([changes, informer.counts.staleLists], [['c: - -> first'], 3])
  })

  it('loses nothing over a line that is not JSON', async () => {
    const { informer } = await informing()
    const takeOff = world.proxy.watches.onLine((line) => line.slice(0, 40))
    await maps.create('a')
    await eventually(() => informer.counts.badLines > 0)
    takeOff()
    await maps.converged(informer)
    assert.ok(requests('list').length >= 2)
  })

  it('finds an event that was lost when it lists again', async () => {
    const { informer, changes } = await informing({ relistMs: 1000, watchSeconds: 1 })
    changes.length = 0
    const takeOff = world.proxy.watches.onLine(() => [])
    await maps.create('a')
    await maps.change('a', 'second')
    await maps.converged(informer)
    takeOff()
    assert.deepEqual(changes, ['a: - -> second'])
  })

  it('keeps up with the server by its bookmarks where nothing happens', async () => {
    const { informer } = await informing({ watchSeconds: 4 })
    // Of the same kind, in which the server tells how far it is: two seconds before it ends a watch.
    const { metadata } = await configMapsOf(world, await world.namespace()).create('elsewhere')
    await eventually(() => compareVersions(informer.resourceVersion(), metadata.resourceVersion) >= 0)
    assert.deepEqual([[...informer.list()], requests('list').length], [[], 1])
  })

  it('takes no harm from events that come twice and in another order of objects', async () => {
    const { informer, changes } = await informing()
    let earlier: string[] = []
    cleanup.push(
      world.proxy.watches.onLine((line) => {
        earlier = [...earlier.slice(-20), line]
        return [line, ...earlier]
      }),
    )
    await maps.create('a')
    await maps.change('a', 'second')
    await maps.remove('a')
    await maps.create('a', 'third')
    await maps.create('b')
    await maps.converged(informer)
    assert.deepEqual(changes, [
      'a: - -> first',
      'a: first -> second',
      'a: second -> -',
      'a: - -> third',
      'b: - -> first',
    ])
  })

  it('takes in answers to writes before the watch shows them', async () => {
    await maps.create('a')
    const { informer, changes } = await informing()
    changes.length = 0
    const thaw = world.proxy.watches.freeze(isOf('watch'))
    cleanup.push(thaw)
    informer.observe(await maps.change('a', 'second'))
    assert.equal(informer.get(`${namespace}/a`)?.data.value, 'second')
    const deleted = await maps.change('a', 'third')
    await maps.remove('a')
    thaw()
    await maps.converged(informer)
    informer.observe(deleted)
    assert.deepEqual(changes.at(-1), 'a: third -> -')
    assert.equal(informer.get(`${namespace}/a`), undefined)
  })

  it('waits for a server that is away, refuses or is overloaded', async () => {
    const answers = [
      statusAnswer(503, 'ServiceUnavailable', 'starting'),
      statusAnswer(429, 'TooManyRequests', 'slow down', { 'retry-after': '1' }),
      statusAnswer(401, 'Unauthorized', 'who are you'),
      statusAnswer(401, 'Unauthorized', 'who are you'),
      statusAnswer(403, 'Forbidden', 'roles are not read yet'),
      { kind: 'cut-before' } as const,
      pass,
    ]
    cleanup.push(world.proxy.onRequest((request) => (isOf('list')(request) ? answers.shift() : undefined)))
    const { informer } = await informing()
    await maps.converged(informer)
    assert.deepEqual(answers, [])
  })

  it('survives a restart of the API server', async function () {
    this.timeout(120_000)
    await maps.create('a')
    const { informer } = await informing()
    await world.controlPlane.restartApiServer('SIGKILL')
    await maps.change('a', 'second')
    await maps.create('b')
    await maps.converged(informer)
  })

  it('leaves no watch behind when it is stopped', async () => {
    const { informer } = await informing()
    await informer.stop()
    await eventually(() => world.proxy.watches.open(isOf('watch')) === 0)
    await maps.create('a')
    assert.equal(informer.get(`${namespace}/a`), undefined)
  })
})
