import assert from 'node:assert/strict'
import {
  errorOf,
  failureOf,
  type Kind,
  lateProblem,
  problemOf,
} from '../../../../operator/adapters/graph-gremlin/failure.ts'

/** As the driver makes it of an answer with this status. */
const answer = (statusCode: number, statusMessage: string, exceptions: readonly string[] = []) =>
  Object.assign(new Error(`Server error: ${statusMessage} (${statusCode})`), {
    statusCode,
    statusMessage,
    statusAttributes: new Map([['exceptions', exceptions]]),
  })

const neptune = (code: string, detailedMessage = 'as documented') =>
  answer(500, JSON.stringify({ detailedMessage, requestId: 'b163032b', code }))

const withCode = (code: string, message = '') => Object.assign(new Error(message), { code })

describe('what an error of the graph store means', () => {
  type Outcome = 'NotDone' | 'Unknown'
  const cases: [string, unknown, Kind, 'GraphUnavailable' | 'GraphRefused', Outcome][] = [
    ['a conflict on Neptune', neptune('ConcurrentModificationException'), 'Conflict', 'GraphUnavailable', 'NotDone'],
    ['a vertex taken away', neptune('ConstraintViolationException'), 'Conflict', 'GraphUnavailable', 'NotDone'],
    ['a deadlock', neptune('InternalFailureException', 'deadlock found'), 'Conflict', 'GraphUnavailable', 'NotDone'],
    ['a fail-over', neptune('ReadOnlyViolationException'), 'ReadOnly', 'GraphUnavailable', 'NotDone'],
    ['throttling', neptune('ThrottlingException'), 'Throttled', 'GraphUnavailable', 'NotDone'],
    ['too many requests', neptune('TooManyRequestsException'), 'Throttled', 'GraphUnavailable', 'NotDone'],
    ['a full queue', neptune('QueryLimitExceededException'), 'Throttled', 'GraphUnavailable', 'NotDone'],
    ['no right to query', neptune('AccessDeniedException'), 'Denied', 'GraphUnavailable', 'NotDone'],
    ['a malformed query', neptune('MalformedQueryException'), 'Refused', 'GraphRefused', 'NotDone'],
    ['a bad request', neptune('BadRequestException'), 'Refused', 'GraphRefused', 'NotDone'],
    ['too large a query', neptune('QueryTooLargeException'), 'Refused', 'GraphRefused', 'NotDone'],
    ['an unsupported operation', neptune('UnsupportedOperationException'), 'Refused', 'GraphRefused', 'NotDone'],
    [
      'a step that Neptune lacks',
      neptune('InternalFailureException', 'Could not locate method: NeptuneGraphTraversal.discard()'),
      'Refused',
      'GraphRefused',
      'NotDone',
    ],
    ['a server time-out', neptune('TimeLimitExceededException'), 'Failed', 'GraphUnavailable', 'Unknown'],
    ['no memory', neptune('MemoryLimitExceededException'), 'Failed', 'GraphUnavailable', 'Unknown'],
    ['an internal failure', neptune('InternalFailureException'), 'Failed', 'GraphUnavailable', 'Unknown'],
    ['a conflict on TinkerGraph', answer(500, 'Conflict: element modified'), 'Conflict', 'GraphUnavailable', 'NotDone'],
    ['a vertex made twice', answer(500, 'Vertex with id already exists: a'), 'Conflict', 'GraphUnavailable', 'NotDone'],
    ['an edge made twice', answer(500, 'Edge with id already exists: a'), 'Conflict', 'GraphUnavailable', 'NotDone'],
    [
      'a conflict without a sentence',
      answer(500, '', ['org.apache.tinkerpop.gremlin.structure.util.TransactionException']),
      'Conflict',
      'GraphUnavailable',
      'NotDone',
    ],
    ['a temporary failure', answer(596, 'later'), 'Conflict', 'GraphUnavailable', 'NotDone'],
    [
      'an edge that is not there',
      answer(500, 'Out Vertex not specified in onCreate', ['java.lang.IllegalArgumentException']),
      'Refused',
      'GraphRefused',
      'NotDone',
    ],
    [
      'a sum of text',
      answer(500, 'cannot be cast', ['java.lang.ClassCastException']),
      'Refused',
      'GraphRefused',
      'NotDone',
    ],
    ['arguments', answer(499, 'invalid'), 'Refused', 'GraphRefused', 'NotDone'],
    ['evaluation', answer(597, 'no such property'), 'Refused', 'GraphRefused', 'NotDone'],
    ['serialisation', answer(599, 'no serializer'), 'Refused', 'GraphRefused', 'NotDone'],
    [
      'evaluation took too long',
      answer(598, 'Conflict: timed out in [has("deadlock")]'),
      'Failed',
      'GraphUnavailable',
      'Unknown',
    ],
    ['words of the traversal', answer(500, 'null: [deadlock, x Conflict]'), 'Failed', 'GraphUnavailable', 'Unknown'],
    ['something broke', answer(500, 'null'), 'Failed', 'GraphUnavailable', 'Unknown'],
    ['a refused login', answer(401, 'who?'), 'Denied', 'GraphUnavailable', 'NotDone'],
    [
      'an answer for whom?',
      Object.assign(answer(500, 'bad bytes'), { message: 'Server error (no request information): bad bytes (500)' }),
      'Garbled',
      'GraphUnavailable',
      'Unknown',
    ],
    ['what cannot be read', errorOf('Garbled', 'Unsupported version'), 'Garbled', 'GraphUnavailable', 'Unknown'],
    ['what cannot be written', errorOf('Refused', 'no serializer'), 'Refused', 'GraphRefused', 'NotDone'],
    ['a closed connection', new Error('Connection has been closed.'), 'Lost', 'GraphUnavailable', 'Unknown'],
    ['a reset', withCode('ECONNRESET', 'read ECONNRESET'), 'Lost', 'GraphUnavailable', 'Unknown'],
    ['HTTP 403', new Error('Unexpected server response: 403'), 'Denied', 'GraphUnavailable', 'NotDone'],
    ['HTTP 401', new Error('Unexpected server response: 401'), 'Denied', 'GraphUnavailable', 'NotDone'],
    ['HTTP 503', new Error('Unexpected server response: 503'), 'Lost', 'GraphUnavailable', 'Unknown'],
    ['something that is no Error', undefined, 'Lost', 'GraphUnavailable', 'Unknown'],
  ]
  for (const [name, error, kind, reason, outcome] of cases) {
    it(`${name}: ${kind}, ${reason}; a write that was sent is ${outcome}`, () => {
      const problem = problemOf(error, true)
      assert.equal(problem.kind, kind)
      const found = failureOf('h:8182', problem, true)
      assert.deepEqual([found.reason, found.retry, found.outcome], [reason, reason !== 'GraphRefused', outcome])
      assert.match(found.message, /^graph store h:8182: \S/)
      assert.equal('outcome' in failureOf('h:8182', problem, false), false, 'a read has no outcome')
      assert.equal(failureOf('h:8182', problemOf(error, false), true).outcome, 'NotDone', 'it was not sent')
    })
  }

  it('without an answer in time a write is unknown when it was sent', () => {
    const found = failureOf('h', lateProblem(500, true), true)
    assert.deepEqual([found.reason, found.retry, found.outcome], ['GraphUnavailable', true, 'Unknown'])
    assert.equal(found.message, 'graph store h: no answer within 500 ms')
    assert.equal(failureOf('h', lateProblem(500, false), true).outcome, 'NotDone')
  })

  it('says what Neptune says, without the JSON around it', () => {
    const { message } = failureOf('h', problemOf(neptune('MalformedQueryException', 'step 3'), true), true)
    assert.equal(message, 'graph store h: MalformedQueryException: step 3 (500)')
  })

  it('repeats nothing of what is said when credentials are refused', () => {
    const secret = 'x-amz-security-token:SECRET'
    const said = [
      neptune('AccessDeniedException', secret),
      answer(403, secret),
      new Error(`Unexpected server response code 403 with body:\n${secret}`),
    ]
    for (const error of said) {
      const { message } = failureOf('h:8182', problemOf(error, false), true)
      assert.match(message, /^graph store h:8182: credentials were refused \(.*\); see what the AWS identity/)
      assert.doesNotMatch(message, /SECRET/)
    }
  })

  it('is one bounded line', () => {
    const { text } = problemOf(answer(500, `a\n\u001b[31m${'x'.repeat(5000)}`), true)
    assert.match(text, /^a \[31mx+…$/)
    assert.equal(text.length, 512)
  })

  it('names each address that was tried, and what fetch hides', () => {
    const both = new AggregateError([withCode('ECONNREFUSED', 'connect ::1'), withCode('', 'connect 127.0.0.1')], '')
    assert.equal(problemOf(both, false).text, 'connect ::1, connect 127.0.0.1')
    assert.equal(
      problemOf(new TypeError('fetch failed', { cause: both }), false).text,
      'connect ::1, connect 127.0.0.1',
    )
    assert.equal(problemOf(withCode('ECONNREFUSED'), false).text, 'ECONNREFUSED')
  })
})
