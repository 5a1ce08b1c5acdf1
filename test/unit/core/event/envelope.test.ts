import assert from 'node:assert/strict'
import type { ChangeRequest, Component, Environment, HistoryEntry } from '../../../../operator/api/kinds.generated.ts'
import { eventOf, type Teller } from '../../../../operator/core/event/envelope.ts'

const apiVersion = 'usekarma.dev/v1alpha1'
const request: ChangeRequest = {
  apiVersion,
  kind: 'ChangeRequest',
  metadata: { name: 'aliases', namespace: 'dev', uid: 'u-1', resourceVersion: '7' },
  spec: {
    component: 'serverless-site/karma-dev',
    reason: 'new domain',
    requestedBy: { username: 'jo', uid: '7', groups: ['dev'] },
  },
}
const component: Component = {
  apiVersion,
  kind: 'Component',
  metadata: { name: 's3-bucket.shared.logs', namespace: 'dev', uid: 'u-2' },
  spec: { type: 's3-bucket', nickname: 'shared.logs', environment: 'prod', config: { secret: 'x' } },
}
const environment: Environment = {
  apiVersion,
  kind: 'Environment',
  metadata: { name: 'prod', namespace: 'dev', uid: 'u-3' },
}
const entry: HistoryEntry = { seq: 3, at: '2026-01-31T12:00:00.005Z', type: 'change.requested' }

const eventFrom = (object: Teller, e: HistoryEntry) => {
  const result = eventOf(object, e)
  assert.ok(result.ok, result.ok ? '' : result.failure.message)
  return result.value
}

describe('event of a history entry', () => {
  it('of a ChangeRequest: what was asked for, by whom, under its own correlation', () => {
    const event = eventFrom(request, {
      ...entry,
      reason: 'Requested',
      attrs: '{"environment":"prod","revision":"1fd742f"}',
    })
    assert.match(event.id, /^[0-9a-f]{64}$/)
    assert.deepEqual(
      { ...event, id: '' },
      {
        id: '',
        ts: '2026-01-31T12:00:00.005Z',
        event_type: 'change.requested',
        entity_id: 'dev/changerequest/aliases',
        correlation_id: 'u-1',
        tags: {
          kind: 'ChangeRequest',
          namespace: 'dev',
          name: 'aliases',
          environment: 'prod',
          component: 'serverless-site/karma-dev',
        },
        attrs: {
          component: 'serverless-site/karma-dev',
          mode: 'Apply',
          requestReason: 'new domain',
          requestedBy: { username: 'jo', uid: '7', groups: ['dev'] },
          environment: 'prod',
          revision: '1fd742f',
          seq: 3,
          reason: 'Requested',
        },
      },
    )
  })

  it('of a Component: under the correlation of the change, without anything of its config', () => {
    const event = eventFrom(component, { ...entry, type: 'component.committed', attrs: '{"change":"u-1","version":4}' })
    assert.equal(event.entity_id, 'dev/s3-bucket/shared.logs')
    assert.equal(event.correlation_id, 'u-1')
    assert.equal(event.tags.environment, 'prod')
    assert.equal(event.tags.type, 's3-bucket')
    assert.deepEqual(event.attrs, { change: 'u-1', version: 4, seq: 3 })
  })

  it('of a Component or Environment that moved by itself: under its own correlation', () => {
    assert.equal(eventFrom(component, { ...entry, type: 'component.observed' }).correlation_id, 'u-2')
    const event = eventFrom(environment, { ...entry, type: 'graph.published' })
    assert.equal(event.correlation_id, 'u-3')
    assert.equal(event.entity_id, 'dev/environment/prod')
    assert.equal(event.tags.environment, 'prod')
  })

  it('is the same, byte by byte, from a later state of the object', () => {
    const later: ChangeRequest = {
      ...request,
      metadata: {
        ...request.metadata,
        resourceVersion: '99',
        deletionTimestamp: '2026-02-01T00:00:00Z',
        labels: { a: 'b' },
      },
      spec: { ...request.spec, cancel: true },
      status: { phase: 'Cancelled', environment: 'prod', seq: 9 },
    }
    assert.equal(JSON.stringify(eventFrom(later, entry)), JSON.stringify(eventFrom(request, entry)))
  })

  it('has another id for another object, number or content, and the same for another order of members', () => {
    const ids = [
      eventFrom(request, entry).id,
      eventFrom({ ...request, metadata: { ...request.metadata, uid: 'u-9' } }, entry).id,
      eventFrom(request, { ...entry, seq: 4 }).id,
      eventFrom(request, { ...entry, at: '2026-01-31T12:00:00.006Z' }).id,
      eventFrom(request, { ...entry, message: 'm' }).id,
      eventFrom(request, { ...entry, attrs: '{}' }).id,
    ]
    assert.equal(new Set(ids).size, ids.length)
    const { seq, at, type } = entry
    assert.equal(eventFrom(request, { type, at, seq }).id, ids[0])
  })

  describe('is refused, naming object, field, expected and found', () => {
    const cases: [field: string, object: Teller, broken: HistoryEntry, message: RegExp][] = [
      [
        'attrs',
        request,
        { ...entry, attrs: '{"a":' },
        /ChangeRequest dev\/aliases, history entry 3: attrs: expected JSON text of an object, found "\{\\"a\\":"/,
      ],
      ['attrs', request, { ...entry, attrs: '[1]' }, /attrs: expected JSON text of an object/],
      ['at', request, { ...entry, at: 'yesterday' }, /at: expected a time from 1970 to 2200, found "yesterday"/],
      ['at', request, { ...entry, at: '9999-01-01T00:00:00Z' }, /at: expected a time/],
      ['seq', request, { ...entry, seq: 1.5 }, /seq: expected a whole number, found 1.5/],
      ['type', request, { ...entry, type: '' }, /type: expected an event type, found ""/],
      [
        'uid',
        { ...environment, metadata: { name: 'prod', namespace: 'dev' } },
        entry,
        /metadata.uid: expected a uid, found nothing/,
      ],
    ]
    for (const [field, object, broken, message] of cases) {
      it(`${field}: ${JSON.stringify(broken).slice(0, 60)}`, () => {
        const result = eventOf(object, broken)
        assert.ok(!result.ok)
        assert.equal(result.failure.reason, 'EventInvalid')
        assert.equal(result.failure.retry, false)
        assert.match(result.failure.message, message)
      })
    }
  })
})
