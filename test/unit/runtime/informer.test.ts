import assert from 'node:assert/strict'
import { type Informer, type InformerDependencies, makeInformer } from '../../../operator/runtime/informer.ts'
import { stripManagedFields } from '../../../operator/runtime/object.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'
import { makeFakeClock } from '../../support/fake-clock.ts'
import { added, anObject, bookmark, deleted, errorEvent, modified, type TestObject } from '../../support/objects.ts'
import { makeScriptedSource, page, refused } from '../../support/scripted-source.ts'

type Lists = Parameters<typeof makeScriptedSource>

const makeFixture = (lists: Lists, more: Partial<InformerDependencies<TestObject>> = {}) => {
  const clock = makeFakeClock()
  const log = makeCollectedLog()
  const source = makeScriptedSource(...lists)
  const informer = makeInformer<TestObject>({
    source,
    parse: (raw) => raw as TestObject,
    clock,
    random: () => 1,
    log,
    ...more,
  })
  const changes: string[] = []
  informer.onChange(({ key, before, after }) => {
    const version = (one?: TestObject) => one?.metadata.resourceVersion ?? '-'
    changes.push(`${key}: ${version(before)} -> ${version(after)}`)
  })
  const started = async () => {
    informer.start()
    await clock.settle()
  }
  return { clock, log, source, informer, changes, started }
}

const names = (informer: Informer<TestObject>): string[] =>
  [...informer.list()].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort()

describe('informer', () => {
  describe('the first list', () => {
    it('is synced only when a list has been taken in, and keeps trying until then', async () => {
      const { clock, informer, started, source, changes } = makeFixture([
        refused('Unavailable'),
        refused('Forbidden'),
        page(10, [anObject('a', 5)]),
      ])
      let synced: boolean | undefined
      void informer.synced.then((value) => {
        synced = value
      })
      await started()
      await clock.advance(100)
      assert.deepEqual([synced, informer.hasSynced(), source.listRequests.length], [undefined, false, 2])
      await clock.advance(200)
      assert.deepEqual([synced, informer.hasSynced(), source.listRequests.length], [true, true, 3])
      assert.deepEqual(changes, ['ns/a: - -> 5'])
      assert.equal(informer.resourceVersion(), '10')
      await informer.stop()
    })

    it('reads page after page, as one list', async () => {
      const { informer, started, source } = makeFixture([
        page(10, [anObject('a', 1)], 'next-1'),
        page(10, [anObject('b', 2)], 'next-2'),
        page(10, [anObject('c', 3)]),
      ])
      await started()
      assert.deepEqual(names(informer), ['a@1', 'b@2', 'c@3'])
      assert.deepEqual(source.listRequests, [
        { limit: 500, continue: undefined },
        { limit: 500, continue: 'next-1' },
        { limit: 500, continue: 'next-2' },
      ])
      await informer.stop()
    })

    it('reads everything at once when the pages have expired on the way', async () => {
      const { informer, started, source } = makeFixture([
        page(10, [anObject('a', 1), anObject('gone', 2)], 'next-1'),
        refused('Expired'),
        page(30, [anObject('a', 21)]),
      ])
      await started()
      assert.deepEqual(names(informer), ['a@21'])
      assert.deepEqual(source.listRequests.at(-1), { limit: undefined, continue: undefined })
      await informer.stop()
    })

    it('waits as long as the server asks it to', async () => {
      const { clock, started, source, informer } = makeFixture([
        refused('TooManyRequests', { retryAfterMs: 7000 }),
        page(1, []),
      ])
      await started()
      await clock.advance(6999)
      assert.equal(source.listRequests.length, 1)
      await clock.advance(1)
      assert.equal(source.listRequests.length, 2)
      await informer.stop()
    })

    it('can be stopped while it is under way, and then opens no watch', async () => {
      const { clock, informer, started, source } = makeFixture(['hang'])
      await started()
      await informer.stop()
      await clock.advance(100_000)
      assert.equal(await informer.synced, false)
      assert.deepEqual([source.watches.length, source.listRequests.length, clock.pending()], [0, 1, 0])
    })

    it('can be stopped while it waits to try again', async () => {
      const { clock, informer, started } = makeFixture([refused('Unavailable')])
      await started()
      await informer.stop()
      assert.deepEqual([await informer.synced, clock.pending()], [false, 0])
    })
  })

  describe('the watch', () => {
    it('follows what happens and tells before and after', async () => {
      const { clock, informer, started, source, changes } = makeFixture([page(10, [anObject('a', 5)])])
      await started()
      const watch = source.watch_()
      assert.equal(watch.resourceVersion, '10')
      watch.send(added(anObject('b', 11)))
      watch.send(modified(anObject('a', 12)))
      watch.send(deleted(anObject('b', 13)))
      await clock.settle()
      assert.deepEqual(changes, ['ns/a: - -> 5', 'ns/b: - -> 11', 'ns/a: 5 -> 12', 'ns/b: 11 -> -'])
      assert.equal(informer.get('ns/a')?.spec.value, 'v12')
      assert.equal(informer.resourceVersion(), '13')
      await informer.stop()
      assert.equal(watch.open, false)
    })

    it('goes on from the last bookmark when the server ends it', async () => {
      const { clock, informer, started, source } = makeFixture([page(10, [])])
      await started()
      await clock.advance(40_000)
      source.watch_().send(bookmark(77))
      source.watch_().end()
      await clock.settle()
      assert.deepEqual(
        source.watches.map(({ resourceVersion }) => resourceVersion),
        ['10', '77'],
      )
      assert.equal(source.listRequests.length, 1)
      await informer.stop()
    })

    it('goes on from the last event when it is cut in the middle of a line', async () => {
      const { clock, informer, started, source, changes } = makeFixture([page(10, [])])
      await started()
      source.watch_().send(added(anObject('a', 11)))
      await clock.settle()
      source.watch_().fail(new Error('other side closed'))
      await clock.advance(100)
      assert.equal(source.watch_().resourceVersion, '11')
      source.watch_().send(added(anObject('b', 12)))
      await clock.settle()
      assert.deepEqual(changes, ['ns/a: - -> 11', 'ns/b: - -> 12'])
      assert.equal(source.listRequests.length, 1)
      await informer.stop()
    })

    it('does not storm a server that ends every watch at once', async () => {
      const { clock, informer, started, source } = makeFixture([page(10, [])])
      await started()
      for (let second = 0; second < 60; second++) {
        source.watch_().end()
        await clock.advance(1000)
      }
      // 0.1, 0.2, 0.4 … 10 s: the waits of a minute.
      assert.ok(source.watches.length <= 14, `${source.watches.length} watches in a minute`)
      await informer.stop()
    })

    it('does not storm a server that says 410 to every watch', async () => {
      const lists: Lists = Array.from({ length: 100 }, (_, at) => page(10 + at, []))
      const { clock, informer, started, source } = makeFixture(lists)
      for (let refusal = 0; refusal < 100; refusal++) source.refusals.push(refused('Expired').failure)
      await started()
      await clock.advance(60_000)
      assert.ok(source.listRequests.length <= 14, `${source.listRequests.length} lists in a minute`)
      await informer.stop()
    })

    it('is given up when no byte comes, whatever the connection says, and begun again', async () => {
      const { clock, informer, started, source, log } = makeFixture([page(10, [])], { idleTimeoutMs: 50_000 })
      await started()
      await clock.advance(30_000)
      source.watch_().trickle()
      await clock.advance(49_999)
      assert.deepEqual([source.watches.length, source.watch_().open], [1, true])
      await clock.advance(1)
      assert.deepEqual([source.watches.length, source.watches[0]?.open], [2, false])
      assert.ok(log.lines.some(({ data }) => data.message === 'nothing came for 50000 ms'))
      assert.equal(clock.pending(), 1, 'only the new watchdog waits')
      await informer.stop()
      assert.equal(clock.pending(), 0)
    })
  })

  describe('when the thread is lost', () => {
    const endings: [string, (source: ReturnType<typeof makeScriptedSource>) => void][] = [
      ['an ERROR event with 410', (source) => source.watch_().send(errorEvent(410))],
      ['a line that is not JSON', (source) => source.watch_().send('{"type":"ADDED","object":{"meta')],
      ['a line that is no event', (source) => source.watch_().send({ kind: 'Status' })],
      ['an event without an object', (source) => source.watch_().send({ type: 'MODIFIED' })],
      [
        'a watch that is refused with 410',
        (source) => {
          source.refusals.push(refused('Expired').failure)
          source.watch_().end()
        },
      ],
    ]
    for (const [name, lose] of endings) {
      it(`${name}: lists again and finds what happened in between`, async () => {
        const { clock, informer, started, source, changes } = makeFixture([
          page(10, [anObject('same', 1), anObject('changed', 2), anObject('gone', 3), anObject('again', 4)]),
          page(30, [
            anObject('same', 1),
            anObject('changed', 22),
            anObject('again', 23, 'second'),
            anObject('new', 24),
          ]),
        ])
        await started()
        changes.length = 0
        lose(source)
        await clock.advance(1000)
        assert.deepEqual(changes, [
          'ns/gone: 3 -> -',
          'ns/changed: 2 -> 22',
          'ns/again: 4 -> -',
          'ns/again: - -> 23',
          'ns/new: - -> 24',
        ])
        assert.equal(source.watch_().resourceVersion, '30')
        await informer.stop()
      })
    }

    it('counts lines that it does not understand', async () => {
      const { clock, informer, started, source } = makeFixture([page(10, []), page(11, [])])
      await started()
      source.watch_().send('not JSON')
      await clock.settle()
      assert.equal(informer.counts.badLines, 1)
      await informer.stop()
    })

    it('an ERROR event other than 410: watches again from where it was', async () => {
      const { clock, informer, started, source } = makeFixture([page(10, [])])
      await started()
      source.watch_().send(added(anObject('a', 11)))
      source.watch_().send(errorEvent(500, 'storage is away'))
      await clock.advance(1000)
      assert.deepEqual([source.watch_().resourceVersion, source.listRequests.length], ['11', 1])
      await informer.stop()
    })

    it('does not go back with a server that lists an older state, and says so', async () => {
      const { clock, informer, started, source, changes, log } = makeFixture([
        page(10, [anObject('a', 5)]),
        page(8, [anObject('a', 3), anObject('old', 4)]),
        page(9, []),
        page(20, [anObject('a', 15)]),
      ])
      await started()
      source.watch_().send(modified(anObject('a', 12)))
      await clock.settle()
      changes.length = 0
      source.watch_().send(errorEvent(410))
      await clock.advance(100)
      assert.deepEqual([names(informer), informer.counts.staleLists], [['a@12'], 1])
      await clock.advance(1000)
      assert.deepEqual(changes, ['ns/a: 12 -> 15'])
      assert.equal(informer.counts.staleLists, 2)
      assert.equal(log.lines.filter(({ level }) => level === 'error').length, 2)
      await informer.stop()
    })

    it('finds an event that the server has lost when it lists again in the course of time', async () => {
      const { clock, informer, started, source, changes } = makeFixture(
        [page(10, [anObject('a', 5)]), page(30, [anObject('b', 22)])],
        { relistMs: 100_000 },
      )
      await started()
      changes.length = 0
      for (let round = 0; round < 3; round++) {
        await clock.advance(40_000)
        source.watch_().send(bookmark(20 + round))
        source.watch_().end()
        await clock.settle()
      }
      assert.deepEqual(changes, ['ns/a: 5 -> -', 'ns/b: - -> 22'])
      await informer.stop()
    })
  })

  describe('faults of others', () => {
    it('a handler that throws is logged; the other handlers and the informer go on', async () => {
      const { clock, informer, started, source, log } = makeFixture([page(10, [anObject('a', 5)])])
      const seen: string[] = []
      informer.onChange(() => {
        throw new Error('broken handler')
      })
      informer.onChange(({ key }) => void seen.push(key))
      await started()
      source.watch_().send(added(anObject('b', 11)))
      await clock.settle()
      assert.deepEqual(seen, ['ns/a', 'ns/b'])
      assert.equal(log.lines.filter(({ message }) => message === 'a change handler threw').length, 2)
      await informer.stop()
    })

    it('an object that cannot be parsed is left out, also when it was held before', async () => {
      const parse = (raw: unknown): TestObject | undefined => {
        const object = raw as TestObject
        if (object.spec.value === 'throw') throw new Error('broken parser')
        return object.spec.value === 'odd' ? undefined : object
      }
      const { clock, informer, started, source, changes } = makeFixture(
        [page(10, [anObject('a', 5), anObject('x', 6, 'x', 'throw'), anObject('y', 7, 'y', 'odd')])],
        { parse },
      )
      await started()
      assert.deepEqual([names(informer), informer.counts.unparsed], [['a@5'], 2])
      source.watch_().send(modified(anObject('a', 11, 'uid-of-a', 'odd')))
      source.watch_().send(modified(anObject('x', 12, 'x', 'fine')))
      await clock.settle()
      assert.deepEqual(changes, ['ns/a: - -> 5', 'ns/a: 5 -> -', 'ns/x: - -> 12'])
      source.watch_().send(modified(anObject('a', 13)))
      await clock.settle()
      assert.deepEqual(names(informer), ['a@13', 'x@12'])
      await informer.stop()
    })

    it('an index that throws leaves the object out of that index only', async () => {
      const { informer, started } = makeFixture([page(10, [anObject('a', 5), anObject('b', 6)])], {
        indexes: {
          value: ({ metadata, spec }) => {
            if (metadata.name === 'a') throw new Error('broken index')
            return [spec.value]
          },
        },
      })
      await started()
      assert.deepEqual(names(informer), ['a@5', 'b@6'])
      assert.deepEqual([...informer.byIndex('value', 'v6')].length, 1)
      await informer.stop()
    })
  })

  it('does not parse again what it holds already: listed once more, or told by the watch after an answer', async () => {
    const parsed: string[] = []
    const parse = (raw: unknown): TestObject => {
      const { metadata } = raw as TestObject
      parsed.push(`${metadata.name}@${metadata.resourceVersion}`)
      return raw as TestObject
    }
    const { clock, informer, started, source } = makeFixture(
      [page(10, [anObject('a', 5), anObject('b', 6)]), page(30, [anObject('a', 11), anObject('b', 6, 'another')])],
      { parse },
    )
    await started()
    informer.observe(anObject('a', 11))
    source.watch_().send(modified(anObject('a', 11)))
    await clock.settle()
    assert.equal(informer.resourceVersion(), '11')
    source.watch_().send(errorEvent(410))
    source.watch_().end()
    await clock.advance(60_000)
    assert.equal(source.listRequests.length, 2)
    // Of the same version, but another object.
    assert.deepEqual(parsed, ['a@5', 'b@6', 'a@11', 'b@6'])
    await informer.stop()
  })

  it('takes in what a write answered, and nothing that is over', async () => {
    const { clock, informer, started, source, changes } = makeFixture([page(10, [anObject('a', 5)])])
    await started()
    changes.length = 0
    informer.observe(anObject('a', 12))
    informer.observe(anObject('a', 11))
    informer.observe({ kind: 'Status' })
    source.watch_().send(modified(anObject('a', 12)))
    source.watch_().send(deleted(anObject('a', 13)))
    await clock.settle()
    informer.observe(anObject('a', 12))
    assert.deepEqual(changes, ['ns/a: 5 -> 12', 'ns/a: 12 -> -'])
    await informer.stop()
  })

  it('knows when it last heard of the server: lists, events and bookmarks, not connections', async () => {
    const { clock, informer, started, source } = makeFixture([page(10, [])], { idleTimeoutMs: 10_000 })
    assert.equal(informer.lastContact(), undefined)
    await started()
    assert.equal(informer.lastContact(), 0)
    await clock.advance(5000)
    source.watch_().send(bookmark(20))
    await clock.settle()
    assert.equal(informer.lastContact(), 5000)
    await clock.advance(100_000)
    assert.ok(source.watches.length > 5, 'accepted again and again')
    assert.equal(informer.lastContact(), 5000)
    await informer.stop()
  })

  it('can drop managedFields as it parses', async () => {
    const raw = { ...anObject('a', 5), metadata: { ...anObject('a', 5).metadata, managedFields: [{ manager: 'x' }] } }
    const { informer, started } = makeFixture([page(10, [raw])], {
      parse: (given) => stripManagedFields(given as TestObject),
    })
    await started()
    assert.equal('managedFields' in informer.get('ns/a')!.metadata, false)
    await informer.stop()
  })
})
