import assert from 'node:assert/strict'
import { makeRecorder, type Notice } from '../../../operator/runtime/recorder.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'

const notice = (more: Partial<Notice> = {}): Notice => ({
  regarding: { apiVersion: 'example.dev/v1', kind: 'Thing', namespace: 'ns', name: 'a', uid: 'u-1' },
  type: 'Normal',
  reason: 'Applied',
  action: 'Apply',
  note: 'the change is applied',
  ...more,
})

type Answer = { ok: true } | { ok: false; failure: { reason: string; message: string } }

const makeFixture = (answer: (at: number) => Answer | 'throw' = () => ({ ok: true })) => {
  const created: { namespace: string; event: Record<string, unknown> & { metadata: { name: string } } }[] = []
  const log = makeCollectedLog()
  const recorder = makeRecorder({
    create: async (namespace, event) => {
      created.push({ namespace, event: event as (typeof created)[number]['event'] })
      const next = answer(created.length)
      if (next === 'throw') throw new Error('broken')
      return next
    },
    controller: 'example.dev/operator',
    instance: 'pod-1',
    clock: { now: () => Date.parse('2026-01-02T03:04:05.678Z') },
    log,
  })
  return { created, recorder, log }
}

describe('recorder', () => {
  it('writes an Event of events.k8s.io/v1', async () => {
    const { created, recorder } = makeFixture()
    recorder.record(notice())
    await recorder.idle()
    const { name } = created[0]!.event.metadata
    assert.match(name, /^a\.[0-9a-f]{16}$/)
    assert.deepEqual(created, [
      {
        namespace: 'ns',
        event: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name, namespace: 'ns' },
          eventTime: '2026-01-02T03:04:05.678000Z',
          reportingController: 'example.dev/operator',
          reportingInstance: 'pod-1',
          regarding: notice().regarding,
          type: 'Normal',
          reason: 'Applied',
          action: 'Apply',
          note: 'the change is applied',
        },
      },
    ])
  })

  it('writes the same thing once, and another process gives it the same name', async () => {
    const one = makeFixture()
    one.recorder.record(notice())
    one.recorder.record(notice())
    await one.recorder.idle()
    one.recorder.record(notice())
    await one.recorder.idle()
    const other = makeFixture(() => ({ ok: false, failure: { reason: 'AlreadyExists', message: '' } }))
    other.recorder.record(notice())
    await other.recorder.idle()
    assert.deepEqual([one.created.length, other.recorder.counts.failed, other.log.lines], [1, 0, []])
    assert.equal(other.created[0]!.event.metadata.name, one.created[0]!.event.metadata.name)
  })

  it('tells objects, occurrences, reasons and notes apart', async () => {
    const { created, recorder } = makeFixture()
    recorder.record(notice())
    recorder.record(notice({ reason: 'Rejected' }))
    recorder.record(notice({ note: 'another' }))
    recorder.record(notice({ occurrence: 7 }))
    recorder.record(notice({ regarding: { ...notice().regarding, uid: 'u-2' } }))
    await recorder.idle()
    assert.equal(new Set(created.map(({ event }) => event.metadata.name)).size, 5)
  })

  it('keeps to the limits of the API server, in bytes and in whole characters', async () => {
    const { created, recorder } = makeFixture()
    const name = `${'n'.repeat(235)}.${'m'.repeat(17)}`
    recorder.record(
      notice({ note: '€'.repeat(1000), reason: 'R'.repeat(200), regarding: { ...notice().regarding, name } }),
    )
    await recorder.idle()
    const { event } = created[0]!
    assert.equal(event.note, `${'€'.repeat(340)}…`)
    assert.equal(Buffer.byteLength(String(event.reason)), 128)
    assert.match(event.metadata.name, /^n{235}\.[0-9a-f]{16}$/)
  })

  it('puts Events of what has no namespace into default', async () => {
    const { created, recorder } = makeFixture()
    recorder.record(notice({ regarding: { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' } }))
    await recorder.idle()
    assert.equal(created[0]!.namespace, 'default')
  })

  it('logs failures and goes on; what failed may be told again', async () => {
    const { created, recorder, log } = makeFixture((at) =>
      at === 1 ? { ok: false, failure: { reason: 'Forbidden', message: 'no' } } : at === 2 ? 'throw' : { ok: true },
    )
    recorder.record(notice())
    recorder.record(notice({ note: 'second' }))
    recorder.record(notice({ note: 'third' }))
    await recorder.idle()
    recorder.record(notice())
    await recorder.idle()
    assert.deepEqual([created.length, recorder.counts], [4, { sent: 2, dropped: 0, failed: 2 }])
    assert.equal(log.lines.length, 2)
  })

  it('drops rather than grow without bound', async () => {
    const { recorder } = makeFixture()
    for (let at = 0; at < 1500; at++) recorder.record(notice({ note: `note ${at}` }))
    assert.ok(recorder.counts.dropped >= 499)
    await recorder.idle()
    assert.equal(recorder.counts.sent + recorder.counts.dropped, 1500)
  })
})
