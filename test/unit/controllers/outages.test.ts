import assert from 'node:assert/strict'
import { failure, success } from '../../../operator/api/result.ts'
import { makeOutages } from '../../../operator/controllers/outages.ts'
import { makeFakeClock } from '../../support/fake-clock.ts'

const away = (message: string, cause = 'db:8182 gives no answer') =>
  failure({ reason: 'GraphUnavailable', message, retry: true, cause })

const makeWorld = () => {
  const changed: string[] = []
  const clock = makeFakeClock()
  const outages = makeOutages({ after: clock.after, onChange: (key) => void changed.push(key) })
  return { outages, clock, changed }
}

describe('controllers/outages', () => {
  it('says why a graph cannot be read, in the same words as long as the cause is the same', () => {
    const { outages, changed } = makeWorld()
    for (const text of ['ECONNREFUSED 1', 'ECONNREFUSED 2', 'no answer within 10000 ms']) {
      outages.read('dev/dev', away(text))
      assert.equal(
        outages.why('dev/dev'),
        'the graph of dev/dev cannot be read: db:8182 gives no answer; it is asked again until it answers',
      )
    }
    outages.read('dev/dev', away('403', 'db:8182 refuses the credentials'))
    assert.match(outages.why('dev/dev') ?? '', /: db:8182 refuses the credentials;/)
    assert.equal(outages.why('dev/other'), undefined)
    outages.read('dev/dev', success(1))
    assert.equal(outages.why('dev/dev'), undefined)
    // Once for each news, not for each try.
    assert.deepEqual(changed, ['dev/dev', 'dev/dev', 'dev/dev'])
  })

  it('hears of one from others until the holder has met it, or they find it over', () => {
    const { outages, changed } = makeWorld()
    outages.asked('dev/dev', away('ECONNREFUSED'))
    outages.asked('dev/dev', away('403', 'db:8182 refuses the credentials'))
    assert.match(outages.why('dev/dev') ?? '', /: db:8182 gives no answer;/)
    outages.asked('dev/dev', success(1))
    assert.equal(outages.why('dev/dev'), undefined)
    assert.deepEqual(changed, ['dev/dev', 'dev/dev'])
    outages.asked('dev/dev', away('ECONNREFUSED'))
    outages.read('dev/dev', away('403', 'db:8182 refuses the credentials'))
    outages.asked('dev/dev', success(1))
    assert.match(outages.why('dev/dev') ?? '', /: db:8182 refuses the credentials;/)
    outages.read('dev/dev', success(1))
    assert.equal(outages.why('dev/dev'), undefined)
  })

  it('takes nothing for an outage that is none', () => {
    const { outages, changed } = makeWorld()
    outages.read('dev/dev', failure({ reason: 'GraphDiffers', message: 'it differs', retry: true }))
    assert.deepEqual([outages.why('dev/dev'), changed], [undefined, []])
  })

  it('says that a version is not taken, also while it is not known yet what comes of it', async () => {
    const { outages, clock, changed } = makeWorld()
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof away>>()
    const writing = outages.written('dev/dev', 7, promise)
    assert.equal(outages.why('dev/dev'), undefined)
    await clock.advance(2_000)
    assert.equal(
      outages.why('dev/dev'),
      'the graph store has yet to take version 7 of dev/dev; it is tried again until it does',
    )
    resolve(away('ReadOnlyViolationException', 'db:8182 takes no writes'))
    assert.equal((await writing).ok, false)
    const said =
      'the graph store has yet to take version 7 of dev/dev: db:8182 takes no writes; it is tried again until it does'
    assert.equal(outages.why('dev/dev'), said)
    // The next try takes long too: what is known of it stands.
    const again = Promise.withResolvers<ReturnType<typeof success<number>>>()
    const second = outages.written('dev/dev', 7, again.promise)
    await clock.advance(2_000)
    assert.equal(outages.why('dev/dev'), said)
    again.resolve(success(1))
    await second
    await clock.advance(10_000)
    assert.equal(outages.why('dev/dev'), undefined)
    assert.deepEqual(changed, ['dev/dev', 'dev/dev', 'dev/dev'])
  })
})
