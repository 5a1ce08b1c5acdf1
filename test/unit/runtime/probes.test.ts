import assert from 'node:assert/strict'
import { makeMetrics } from '../../../operator/runtime/metrics.ts'
import { makeProbes, serveProbes } from '../../../operator/runtime/probes.ts'
import { makeWorkQueue } from '../../../operator/runtime/workqueue.ts'
import { makeFakeClock } from '../../support/fake-clock.ts'

describe('probes', () => {
  const well = () => undefined
  it('are well when all checks are', async () => {
    const probes = makeProbes({ live: { loop: well }, ready: { synced: well, leader: well } })
    assert.deepEqual(await probes['/readyz'](), {
      status: 200,
      contentType: 'text/plain; charset=utf-8',
      body: '[+] synced ok\n[+] leader ok\nok\n',
    })
    assert.equal((await probes['/healthz']()).status, 200)
  })

  it('name what is not well, also when a check throws', async () => {
    const broken = () => {
      throw new Error('broken')
    }
    const probes = makeProbes({ live: { broken }, ready: { synced: () => 'things are not listed yet', other: well } })
    const { status, body } = await probes['/readyz']()
    assert.deepEqual([status, body], [503, '[-] synced: things are not listed yet\n[+] other ok\nnot ok\n'])
    assert.deepEqual(await probes['/healthz'](), {
      status: 503,
      contentType: 'text/plain; charset=utf-8',
      body: '[-] broken: the check threw: broken\nnot ok\n',
    })
  })

  it('are served on a port, and nothing else is', async () => {
    const metrics = { text: async () => 'a_metric 1\n', contentType: 'text/plain; version=0.0.4' }
    const probes = makeProbes({ live: {}, ready: { a: () => 'not yet' }, metrics })
    const server = await serveProbes(probes, { host: '127.0.0.1', port: 0 })
    const asked: [string, string, number, string][] = [
      ['GET', '/healthz', 200, 'ok\n'],
      ['GET', '/readyz?verbose', 503, '[-] a: not yet\nnot ok\n'],
      ['GET', '/metrics', 200, 'a_metric 1\n'],
      ['GET', '/', 404, 'not found\n'],
      ['GET', '/constructor', 404, 'not found\n'],
      ['POST', '/healthz', 404, 'not found\n'],
    ]
    try {
      for (const [method, path, status, body] of asked) {
        const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
        assert.deepEqual([answer.status, await answer.text()], [status, body], `${method} ${path}`)
      }
      await assert.rejects(serveProbes(probes, { host: '127.0.0.1', port: server.port }), /EADDRINUSE/)
    } finally {
      await server.close()
    }
  })
})

describe('metrics', () => {
  it('show queues, informers, reconciles and requests as they are when asked', async () => {
    const clock = makeFakeClock()
    const metrics = makeMetrics({ prefix: 'x_', clock })
    const queue = makeWorkQueue({ clock, random: () => 1 })
    metrics.watchQueue('things', queue)
    const counts = { lists: 2, watches: 3, events: 4, badLines: 0, staleLists: 0, unparsed: 0 }
    metrics.watchInformer('things', { size: () => 7, counts, lastContact: () => 1000 })
    await clock.advance(3500)
    queue.add('a')
    queue.retry('b')
    metrics.controllers.reconciled('things', 'done', 20)
    metrics.exchanged('PATCH', 409, 3)
    for (let round = 0; round < 2; round++) {
      const text = await metrics.text()
      for (const line of [
        'x_workqueue_length{queue="things"} 1',
        'x_workqueue_delayed{queue="things"} 1',
        'x_workqueue_adds_total{queue="things"} 1',
        'x_workqueue_retries_total{queue="things"} 1',
        'x_informer_objects{informer="things"} 7',
        'x_informer_contact_age_seconds{informer="things"} 2.5',
        'x_informer_total{informer="things",what="events"} 4',
        'x_reconcile_seconds_count{controller="things",result="done"} 1',
        'x_api_request_seconds_count{method="PATCH",status="409"} 1',
      ]) {
        assert.ok(text.includes(`${line}\n`), `${line} in:\n${text}`)
      }
    }
  })

  it('of two processes in one do not mix', async () => {
    const clock = makeFakeClock()
    makeMetrics({ prefix: 'x_', clock }).exchanged('GET', 200, 1)
    assert.doesNotMatch(await makeMetrics({ prefix: 'x_', clock }).text(), /method="GET"/)
  })
})
