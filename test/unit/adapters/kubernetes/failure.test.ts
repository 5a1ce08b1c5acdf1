import assert from 'node:assert/strict'
import {
  failureOfError,
  failureOfStatus,
  failureOfWatchError,
} from '../../../../operator/adapters/kubernetes/failure.ts'

const status = (message: string, reason?: string) => JSON.stringify({ kind: 'Status', message, reason })
const put = { method: 'PUT', path: '/apis/x/things/a' }
const get = { method: 'GET', path: '/apis/x/things/a' }

describe('what an answer of the API server means', () => {
  const cases: [number, string, string, boolean, 'NotDone' | 'Unknown'][] = [
    [400, status('bad', 'BadRequest'), 'BadRequest', false, 'NotDone'],
    [401, status('who', 'Unauthorized'), 'Unauthorized', true, 'NotDone'],
    [403, status('no', 'Forbidden'), 'Forbidden', true, 'NotDone'],
    [404, status('none', 'NotFound'), 'NotFound', false, 'NotDone'],
    [405, status('method', 'MethodNotAllowed'), 'BadRequest', false, 'NotDone'],
    [409, status('changed', 'Conflict'), 'Conflict', true, 'NotDone'],
    [409, status('there', 'AlreadyExists'), 'AlreadyExists', false, 'NotDone'],
    [410, status('old', 'Expired'), 'Expired', true, 'NotDone'],
    [410, status('old', 'Gone'), 'Expired', true, 'NotDone'],
    [413, 'limit is 3145728', 'TooLarge', false, 'NotDone'],
    [415, status('type'), 'BadRequest', false, 'NotDone'],
    [422, status('field', 'Invalid'), 'Invalid', false, 'NotDone'],
    [429, status('slow down', 'TooManyRequests'), 'TooManyRequests', true, 'NotDone'],
    [500, status('etcdserver: request is too large'), 'TooLarge', false, 'NotDone'],
    [500, status('rpc error: code = ResourceExhausted desc = trying to send'), 'TooLarge', false, 'NotDone'],
    [500, status('something broke', 'InternalError'), 'Unavailable', true, 'Unknown'],
    [502, '<html>Bad Gateway</html>', 'Unavailable', true, 'Unknown'],
    [503, status('starting', 'ServiceUnavailable'), 'Unavailable', true, 'Unknown'],
    [504, status('timed out', 'Timeout'), 'Unavailable', true, 'Unknown'],
  ]
  for (const [code, body, reason, retry, outcome] of cases) {
    it(`${code} ${body.slice(0, 60)}: ${reason}${retry ? ', again' : ', final'}; a write is ${outcome}`, () => {
      const found = failureOfStatus(put, code, body)
      assert.deepEqual([found.reason, found.retry, found.outcome, found.status], [reason, retry, outcome, code])
      assert.equal('outcome' in failureOfStatus(get, code, body), false, 'a read has no outcome')
    })
  }

  it("takes the server's own sentence", () => {
    assert.equal(failureOfStatus(put, 404, status('things "a" not found')).message, 'things "a" not found')
  })

  it('names the request where there is no sentence, in one bounded line', () => {
    const { message } = failureOfStatus(put, 502, `<html>\n\u001b[31m${'x'.repeat(5000)}`)
    assert.match(message, /^PUT \/apis\/x\/things\/a: HTTP 502 <html> \[31mx+…$/)
    assert.equal(message.length, 1024)
  })

  it('passes on how long the server asks to wait', () => {
    assert.equal(failureOfStatus(put, 429, '', '3').retryAfterMs, 3000)
    assert.equal('retryAfterMs' in failureOfStatus(put, 429, '', 'soon'), false)
  })

  it('a write without an answer is unknown when it was sent, not done when it was not', () => {
    const error = Object.assign(new Error(''), { code: 'ECONNREFUSED' })
    assert.deepEqual(failureOfError(put, error, false), {
      reason: 'Unavailable',
      message: 'PUT /apis/x/things/a: ECONNREFUSED',
      retry: true,
      outcome: 'NotDone',
    })
    assert.equal(failureOfError(put, error, true).outcome, 'Unknown')
    assert.equal('outcome' in failureOfError(get, error, true), false)
  })

  it('reads the Status of an ERROR event', () => {
    assert.equal(failureOfWatchError({ code: 410, reason: 'Expired', message: 'too old' }).reason, 'Expired')
    assert.equal(failureOfWatchError({ code: 500, message: 'x' }).reason, 'Unavailable')
    assert.equal(failureOfWatchError({}).reason, 'Unavailable')
  })
})
