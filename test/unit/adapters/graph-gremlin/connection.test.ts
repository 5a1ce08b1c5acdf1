import assert from 'node:assert/strict'
import gremlin from 'gremlin'
import {
  type GremlinOptions,
  makeGremlinConnection,
  pauseMs,
} from '../../../../operator/adapters/graph-gremlin/connection.ts'
import type { DriverEvents } from '../../../../operator/adapters/graph-gremlin/driver.ts'
import type { Fetch } from '../../../../operator/adapters/graph-gremlin/engine.ts'
import { errorOf } from '../../../../operator/adapters/graph-gremlin/failure.ts'
import { makeFakeClock } from '../../../support/fake-clock.ts'

const bytecode = new gremlin.structure.Graph().traversal().inject(1).getBytecode()
const serverError = (statusCode: number, statusMessage: string) =>
  Object.assign(new Error(statusMessage), { statusCode, statusMessage })
const neptune = (code: string) => serverError(500, JSON.stringify({ code, detailedMessage: 'said' }))
const conflict = neptune('ConcurrentModificationException')
const lost = new Error('Connection has been closed.')

/** What becomes of one request: an answer, an error, before or after it was sent, or nothing at all. */
type Fate = readonly unknown[] | Error | { readonly unsent: Error } | 'silence' | 'cut' | 'garbled'

interface Asked {
  readonly requestId: string
  readonly resolve: (values: readonly unknown[]) => void
  readonly reject: (error: unknown) => void
  readonly events: DriverEvents
  readonly waiting: ReadonlySet<(error: unknown) => void>
}

const happen = (fate: Fate, { requestId, resolve, reject, events, waiting }: Asked): void => {
  const isUnsent = typeof fate === 'object' && 'unsent' in fate
  if (!isUnsent) events.maySend(requestId)
  if (isUnsent) reject(fate.unsent)
  else if (fate instanceof Error) reject(fate)
  else if (typeof fate === 'object') resolve(fate)
  else if (fate === 'garbled') events.onGarbled(errorOf('Garbled', 'the answer cannot be read'))
  else if (fate === 'cut') {
    for (const one of waiting) one(lost)
    events.onEnd()
  }
}

/** Drivers that answer what was written down, and what was asked of them. */
const world = (fates: readonly Fate[], options: Partial<GremlinOptions> = {}) => {
  const clock = makeFakeClock()
  const left = [...fates]
  const opened: { url: string; headers: Readonly<Record<string, string>>; isDiscarded: boolean; asked: number }[] = []
  const log: string[] = []
  const write = (data: object, message: string) => void log.push(`${message} ${JSON.stringify(data)}`)
  const open: GremlinOptions['open'] = (url, headers, events) => {
    const driver = { url, headers, isDiscarded: false, asked: 0 }
    const waiting = new Set<(error: unknown) => void>()
    opened.push(driver)
    return {
      submit: (_, { requestId }) =>
        new Promise((resolve, reject) => {
          driver.asked++
          waiting.add(reject)
          happen(left.shift() ?? 'silence', { requestId, resolve, reject, events, waiting })
        }),
      close: async () => undefined,
      discard() {
        driver.isDiscarded = true
        for (const reject of waiting) reject(lost)
      },
    }
  }
  const connection = makeGremlinConnection({
    writer: 'ws://writer:8182/gremlin',
    clock,
    random: () => 0,
    log: { warn: write, debug: write },
    open,
    ...options,
  })
  return { clock, opened, log, connection, left }
}

const read = { write: false }
const writing = { write: true }

/** While time goes by. */
const inTime = async <T>({ clock }: { clock: ReturnType<typeof makeFakeClock> }, promise: Promise<T>, ms = 60_000) => {
  await clock.advance(ms)
  return promise
}

const outcomeOf = (result: Awaited<ReturnType<ReturnType<typeof makeGremlinConnection>['submit']>>) =>
  result.ok ? result.value : [result.failure.reason, result.failure.retry, result.failure.outcome]

describe('a request to the graph store', () => {
  type Case = [name: string, fates: Fate[], write: boolean, outcome: unknown, asked: number, opened: number]
  const unavailable = (outcome?: string) => ['GraphUnavailable', true, outcome]
  const cases: Case[] = [
    ['answered', [[1]], true, [1], 1, 1],
    ['rolled back, then answered', [conflict, conflict, [1]], true, [1], 3, 1],
    ['rolled back each time', Array(20).fill(conflict), true, unavailable('NotDone'), 8, 1],
    ['rolled back, then lost', [conflict, 'cut', [1]], true, unavailable('Unknown'), 2, 1],
    ['throttled', [neptune('ThrottlingException'), [1]], true, [1], 2, 1],
    ['at an instance that was the writer', [neptune('ReadOnlyViolationException'), [1]], true, [1], 2, 2],
    ['lost: a write', ['cut', [1]], true, unavailable('Unknown'), 1, 1],
    ['lost: a read', ['cut', [1]], false, [1], 2, 2],
    ['lost again and again: a read', ['cut', 'cut', 'cut', [1]], false, unavailable(), 3, 3],
    ['not sent: a write', [{ unsent: new Error('ECONNREFUSED') }, [1]], true, [1], 2, 2],
    ['never sent: a write', Array(9).fill({ unsent: new Error('no') }), true, unavailable('NotDone'), 3, 3],
    ['without an answer: a write', ['silence', [1]], true, unavailable('Unknown'), 1, 1],
    ['without an answer: a read', ['silence', [1]], false, unavailable(), 1, 1],
    ['with an answer that cannot be read', ['garbled', [1]], true, unavailable('Unknown'), 1, 1],
    ['refused', [serverError(597, 'no'), [1]], true, ['GraphRefused', false, 'NotDone'], 1, 1],
    ['failed', [serverError(500, 'null'), [1]], true, unavailable('Unknown'), 1, 1],
    ['without rights', [new Error('Unexpected server response: 403'), [1]], false, unavailable(), 1, 1],
  ]
  for (const [name, fates, write, outcome, asked, opened] of cases) {
    it(`${name}: asked ${asked} times, over ${opened} connections`, async () => {
      const w = world(fates)
      const result = await inTime(w, w.connection.submit(bytecode, { write }))
      assert.deepEqual(outcomeOf(result), outcome)
      assert.equal(
        w.opened.reduce((sum, driver) => sum + driver.asked, 0),
        asked,
      )
      assert.equal(w.opened.length, opened)
      await w.connection.close()
    })
  }

  it('opens nothing before, and goes over what is open', async () => {
    const w = world([[1], [2], [3]])
    assert.equal(w.opened.length, 0)
    for (const n of [1, 2, 3]) assert.deepEqual(outcomeOf(await w.connection.submit(bytecode, read)), [n])
    assert.equal(w.opened.length, 1)
    await w.connection.close()
  })

  it('after a time-out goes over another connection; on the first one others keep what they wait for', async () => {
    const w = world(['silence', 'silence', [2]])
    const slow = w.connection.submit(bytecode, { write: true, timeoutMs: 5000 })
    const late = w.connection.submit(bytecode, { write: true, timeoutMs: 1000 })
    await w.clock.advance(1000)
    assert.deepEqual(outcomeOf(await late), ['GraphUnavailable', true, 'Unknown'])
    assert.equal(w.opened[0]!.isDiscarded, false)
    assert.deepEqual(outcomeOf(await w.connection.submit(bytecode, writing)), [2])
    assert.equal(w.opened.length, 2)
    await w.clock.advance(4000)
    assert.deepEqual(outcomeOf(await slow), ['GraphUnavailable', true, 'Unknown'])
    await w.clock.settle()
    assert.equal(w.opened[0]!.isDiscarded, true, 'nobody waits for it any more')
    await w.connection.close()
  })

  it('an answer that cannot be read ends whatever waits on that connection', async () => {
    const w = world(['silence', 'garbled', [1]])
    const both = [w.connection.submit(bytecode, writing), w.connection.submit(bytecode, writing)]
    await w.clock.settle()
    for (const one of both) assert.deepEqual(outcomeOf(await one), ['GraphUnavailable', true, 'Unknown'])
    assert.equal(w.opened[0]!.isDiscarded, true)
    await w.connection.close()
  })

  it('reads that may be old go to the reader, writes never', async () => {
    const w = world([[1], [2], [3]], { reader: 'ws://reader:8182/gremlin' })
    await w.connection.submit(bytecode, { write: true, endpoint: 'reader' })
    await w.connection.submit(bytecode, { write: false })
    await w.connection.submit(bytecode, { write: false, endpoint: 'reader' })
    const asked = w.opened.map(({ url, asked }) => [url, asked])
    assert.deepEqual(asked, [
      ['ws://writer:8182/gremlin', 2],
      ['ws://reader:8182/gremlin', 1],
    ])
    await w.connection.close()
  })

  it('an idle connection is kept alive, once at a time, and replaced when it does not answer', async () => {
    const w = world([[1], [2], [0], 'silence', [3]], { keepAliveMs: 300_000 })
    await Promise.all([w.connection.submit(bytecode, read), w.connection.submit(bytecode, read)])
    assert.equal(w.clock.pending(), 1)
    await w.clock.advance(300_000)
    assert.equal(w.opened[0]!.asked, 3)
    await w.clock.advance(310_000)
    assert.equal(w.opened[0]!.asked, 4)
    assert.equal(w.opened[0]!.isDiscarded, true)
    assert.deepEqual(outcomeOf(await w.connection.submit(bytecode, read)), [3])
    await w.connection.close()
    assert.equal(w.clock.pending(), 0)
  })

  it('after close nothing is opened any more, and no timer is left', async () => {
    const w = world([[1]])
    await w.connection.submit(bytecode, read)
    await w.connection.close()
    const closed = await w.connection.submit(bytecode, writing)
    assert.deepEqual(outcomeOf(closed), ['GraphUnavailable', true, 'NotDone'])
    assert.deepEqual([w.opened.length, w.opened[0]!.isDiscarded, w.clock.pending()], [1, true, 0])
  })

  it('an endpoint that is none is refused, without what may be secret in it', async () => {
    const w = world([], { writer: 'https://user:password@h/gremlin' })
    const result = await w.connection.submit(bytecode, writing)
    assert.deepEqual(outcomeOf(result), ['GraphRefused', false, 'NotDone'])
    assert.doesNotMatch(JSON.stringify(result), /password/)
  })
})

describe('pauses between attempts', () => {
  const limits = { firstMs: 20, maxMs: 2_000, attempts: 8, reconnects: 2 }
  for (const [attempt, least, most] of [
    [1, 20, 60],
    [2, 20, 100],
    [5, 20, 660],
    [7, 20, 2_000],
    [1000, 20, 2_000],
  ] as const) {
    it(`before attempt ${attempt + 1}: ${least} to ${most} ms`, () => {
      assert.equal(
        pauseMs(attempt, limits, () => 0),
        least,
      )
      assert.equal(
        pauseMs(attempt, limits, () => 1),
        most,
      )
    })
  }

  it('are kept', async () => {
    const w = world([conflict, conflict, [1]], { random: () => 0.5 })
    const submitted = w.connection.submit(bytecode, writing)
    await w.clock.advance(39)
    assert.equal(w.opened[0]!.asked, 1)
    await w.clock.advance(1)
    assert.equal(w.opened[0]!.asked, 2)
    await w.clock.advance(60)
    assert.deepEqual(outcomeOf(await submitted), [1])
    await w.connection.close()
  })
})

describe('a connection to Neptune', () => {
  const writer = 'wss://c.cluster-x.eu-west-1.neptune.amazonaws.com:8182/gremlin'
  const secrets = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'SECRETKEY', sessionToken: 'SESSIONTOKEN' }
  const status = (version: string): Fetch => {
    return async () => ({ status: 200, json: async () => ({ dbEngineVersion: version }) })
  }
  const iam = { iam: { region: 'eu-west-1' }, makeProvider: async () => async () => secrets, writer }
  // Signing loads what it signs with, which no clock knows of.
  const submit = (w: ReturnType<typeof world>) => w.connection.submit(bytecode, writing)

  it('is signed anew each time it is opened', async () => {
    const w = world([[1], { unsent: new Error('cut') }, [1]], {
      ...iam,
      fetch: status('1.4.0.0'),
      backoff: { reconnects: 0 },
    })
    await submit(w)
    w.clock.jump(60_000)
    await submit(w)
    await submit(w)
    const dates = w.opened.map(({ headers }) => headers['x-amz-date'])
    assert.deepEqual(dates, ['19700101T001640Z', '19700101T001740Z'])
    assert.match(w.opened[1]!.headers.authorization!, /\/eu-west-1\/neptune-db\/aws4_request/)
    await w.connection.close()
  })

  it('says which endpoint refused credentials, and tells none of them', async () => {
    let providers = 0
    const makeProvider = async () => {
      providers++
      return async () => secrets
    }
    const refused = { unsent: new Error('Unexpected server response: 403') }
    const w = world([refused, [1]], { ...iam, makeProvider, fetch: status('1.4.0.0') })
    const result = await submit(w)
    assert.deepEqual(outcomeOf(result), ['GraphUnavailable', true, 'NotDone'])
    const told = JSON.stringify([result, w.log])
    assert.match(told, /c\.cluster-x\.eu-west-1\.neptune\.amazonaws\.com:8182: credentials were refused \(HTTP 403\)/)
    assert.doesNotMatch(told, /AKIDEXAMPLE|SECRETKEY|SESSIONTOKEN|Signature/)
    assert.deepEqual(outcomeOf(await submit(w)), [1])
    assert.equal(providers, 2, 'they were looked for again')
    await w.connection.close()
  })

  it('is not opened to an engine that is too old, nor asked again where it will do', async () => {
    const versions = ['1.2.0.0', '1.2.1.0']
    const fetch: Fetch = async () => ({ status: 200, json: async () => ({ dbEngineVersion: versions.shift() }) })
    const w = world([[1], 'cut', [2]], { writer, fetch })
    const refused = await submit(w)
    assert.deepEqual(outcomeOf(refused), ['GraphRefused', false, 'NotDone'])
    assert.match(JSON.stringify(refused), /expected Neptune engine 1\.2\.1\.0 or newer, found 1\.2\.0\.0/)
    assert.equal(w.opened.length, 0)
    assert.deepEqual(outcomeOf(await submit(w)), [1], 'upgraded meanwhile')
    await submit(w)
    assert.deepEqual(outcomeOf(await submit(w)), [2])
    assert.deepEqual([w.opened.length, versions.length], [2, 0])
    await w.connection.close()
  })

  it('is opened where the engine is not told, and is not where it cannot be reached', async () => {
    const untold = world([[1]], { writer, fetch: async () => ({ status: 403, json: assert.fail }) })
    assert.deepEqual(outcomeOf(await submit(untold)), [1])
    assert.match(untold.log.join('\n'), /does not say which engine/)
    await untold.connection.close()
    const away = world([], { writer, fetch: () => Promise.reject(new Error('ENOTFOUND')) })
    assert.deepEqual(outcomeOf(await inTime(away, submit(away))), ['GraphUnavailable', true, 'NotDone'])
    assert.equal(away.opened.length, 0)
    await away.connection.close()
  })

  it('a status that does not come is given up with the request', async () => {
    let isAborted = false
    const fetch: Fetch = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          isAborted = true
          reject(new Error('aborted'))
        })
      })
    const w = world([], { writer, fetch })
    assert.deepEqual(outcomeOf(await inTime(w, submit(w))), ['GraphUnavailable', true, 'NotDone'])
    assert.equal(isAborted, true)
    await w.connection.close()
  })
})
