import assert from 'node:assert/strict'
import { makeInformer } from '../../../operator/runtime/informer.ts'
import { silent, unsynced } from '../../../operator/runtime/informer-checks.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'
import { makeFakeClock } from '../../support/fake-clock.ts'
import { added, anObject } from '../../support/objects.ts'
import { makeScriptedSource, page, refused } from '../../support/scripted-source.ts'

/** Two informers of which the second cannot list until its server is there. */
const makeFixture = () => {
  const clock = makeFakeClock()
  const sources = { things: makeScriptedSource(page(10, [])), others: makeScriptedSource(refused('Unavailable')) }
  const informerOf = (source: (typeof sources)['things']) =>
    makeInformer({ source, parse: (raw) => raw, clock, random: () => 1, log: makeCollectedLog(), relistMs: 0 })
  const [things, others] = [informerOf(sources.things), informerOf(sources.others)]
  const all = [
    ['things', things],
    ['others', others],
  ] as const
  return {
    clock,
    sources,
    start: async () => {
      things.start()
      others.start()
      await clock.settle()
    },
    stop: () => Promise.all([things.stop(), others.stop()]),
    said: () => [silent(all, clock.monotonic()), unsynced(all)],
  }
}

describe('checks of informers', () => {
  it('say which are not listed yet, and are not silent for that', async () => {
    const { clock, sources, start, stop, said } = makeFixture()
    assert.deepEqual(said(), [undefined, 'things: not listed yet, others: not listed yet'])
    await start()
    assert.deepEqual(said(), [undefined, 'others: not listed yet'])
    sources.others.lists.push(page(11, []))
    await clock.advance(200)
    assert.deepEqual(said(), [undefined, undefined])
    await stop()
  })

  it('are patient with a server that was never there', async () => {
    const { clock, sources, start, stop, said } = makeFixture()
    sources.things.lists.splice(0, 1, ...Array.from({ length: 200 }, () => refused('Unavailable')))
    sources.others.lists.push(...Array.from({ length: 200 }, () => refused('Unavailable')))
    await start()
    await clock.advance(600_000)
    assert.deepEqual(said(), [undefined, 'things: not listed yet, others: not listed yet'])
    await stop()
  })

  it('say which has heard nothing for three minutes, until it hears again', async () => {
    const { clock, sources, start, stop, said } = makeFixture()
    sources.others.lists.splice(0, 1, page(10, []))
    await start()
    // Every watch from here on is refused, so that nothing is heard.
    for (const source of Object.values(sources)) {
      for (let i = 0; i < 200; i++) source.refusals.push({ reason: 'Unavailable', message: 'away' })
      source.watch_().fail(new Error('cut'))
    }
    await clock.advance(180_000)
    assert.deepEqual(said(), [undefined, undefined])
    await clock.advance(1)
    const nothing = 'nothing heard for 180 s'
    assert.deepEqual(said(), [`things: ${nothing}, others: ${nothing}`, undefined])
    sources.things.refusals.length = 0
    await clock.advance(20_000)
    sources.things.watch_().send(added(anObject('a', 12)))
    await clock.settle()
    assert.deepEqual(said(), [`others: ${nothing}`, undefined])
    await stop()
  })
})
