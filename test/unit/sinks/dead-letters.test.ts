import assert from 'node:assert/strict'
import { makeEmbeddedBus } from '../../../operator/adapters/bus-embedded/bus.ts'
import type { DeadLetter } from '../../../operator/api/dead-letter.ts'
import { topics } from '../../../operator/api/envelope.ts'
import { startDeadLetterSink } from '../../../operator/sinks/dead-letters.ts'
import { deadLetter } from '../../contract/ledger-letters.ts'

const makeBus = () =>
  makeEmbeddedBus({
    after: (_, run) => {
      setImmediate(run)
      return () => {}
    },
    backoff: () => 1,
    log: { warn() {} },
  })

describe('dead letter sink', () => {
  it('keeps what is put aside of every topic, and is given again what could not be kept', async () => {
    const kept: DeadLetter[] = []
    const attempts: number[] = []
    const bus = makeBus()
    const keep = async (letters: readonly DeadLetter[]) => {
      if (attempts.push(letters.length) < 3) throw new Error('ledger: away')
      kept.push(...letters)
    }
    const sink = await startDeadLetterSink({ bus, ledger: { keep } })
    const letters = topics.map((topic) => deadLetter({ topic }))
    await bus.putAside(letters)
    assert.deepEqual(kept, letters)
    assert.equal(attempts.length, topics.length + 2)
    await sink.close()
    const late = bus.putAside(letters)
    await bus.close()
    await assert.rejects(late, /closed before the events were taken/)
    assert.equal(kept.length, letters.length)
  })
})
