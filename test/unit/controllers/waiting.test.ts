import assert from 'node:assert/strict'
import { makeWaiting } from '../../../operator/controllers/waiting.ts'
import type { Verdict } from '../../../operator/core/guard/facts.ts'

const verdict = (message: string): Verdict => ({ guard: 'g', verdict: 'Reject', reason: 'GuardFailed', message })

describe('controllers/waiting', () => {
  const make = () => {
    const told: string[] = []
    const waiting = makeWaiting({
      onEnter: (key) => told.push(`enter ${key}`),
      onHeldBack: (key) => told.push(`held ${key}`),
    })
    return { told, waiting }
  }

  it('knows who waits in which environment, each once', () => {
    const { told, waiting } = make()
    waiting.enter('dev/a', 'ChangeRequest', 'dev/r1')
    waiting.enter('dev/a', 'ChangeRequest', 'dev/r1')
    waiting.enter('dev/a', 'ChangeRequest', 'dev/r2')
    waiting.enter('dev/b', 'Component', 'dev/c1')
    assert.deepEqual([...waiting.of('dev/a', 'ChangeRequest')], ['dev/r1', 'dev/r2'])
    assert.deepEqual([...waiting.of('dev/a', 'Component')], [])
    assert.deepEqual([...waiting.of('dev/b', 'Component')], ['dev/c1'])
    assert.deepEqual(['dev/a', 'dev/b', 'dev/c'].map(waiting.has), [true, true, false])
    // The environment is called each time: it may have looked just before.
    assert.deepEqual(told, ['enter dev/a', 'enter dev/a', 'enter dev/a', 'enter dev/b'])
  })

  it('has no work when the last has left, whoever leaves twice or never came', () => {
    const { waiting } = make()
    waiting.enter('dev/a', 'ChangeRequest', 'dev/r1')
    waiting.leave('dev/a', 'Component', 'dev/r1')
    waiting.leave('dev/b', 'ChangeRequest', 'dev/r1')
    assert.ok(waiting.has('dev/a'))
    waiting.leave('dev/a', 'ChangeRequest', 'dev/r1')
    waiting.leave('dev/a', 'ChangeRequest', 'dev/r1')
    assert.ok(!waiting.has('dev/a'))
  })

  it('forgets one that is gone, wherever it waited', () => {
    const { waiting } = make()
    waiting.enter('dev/a', 'ChangeRequest', 'dev/r1')
    waiting.enter('dev/b', 'ChangeRequest', 'dev/r1')
    waiting.enter('dev/b', 'Component', 'dev/r1')
    waiting.forget('ChangeRequest', 'dev/r1')
    assert.deepEqual(['dev/a', 'dev/b'].map(waiting.has), [false, true])
    waiting.forget('Component', 'dev/r1')
    assert.ok(!waiting.has('dev/b'))
  })

  it('tells what holds a Component back when it has changed', () => {
    const { told, waiting } = make()
    const steps: [verdicts: Verdict[], told: boolean][] = [
      [[], false],
      [[verdict('a')], true],
      [[verdict('a')], false],
      [[verdict('a'), verdict('b')], true],
      [[verdict('b')], true],
      [[], true],
      [[], false],
    ]
    for (const [verdicts, isTold] of steps) {
      told.length = 0
      waiting.holdBack('dev/c', verdicts)
      assert.deepEqual(told, isTold ? ['held dev/c'] : [])
      assert.deepEqual(waiting.heldBack('dev/c'), verdicts)
    }
    assert.deepEqual(waiting.heldBack('dev/other'), [])
  })
})
