import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compareVersions } from '../../../operator/runtime/resource-version.ts'
import { type Change, type Entry, makeStore, type Store } from '../../../operator/runtime/store.ts'

interface Thing {
  readonly name: string
  readonly uid: string
  readonly version: number
  readonly group: string
}

const entry = (name: string, version: number, uid = `${name}-1`, group = 'g'): Entry<Thing> => ({
  key: name,
  uid,
  resourceVersion: String(version),
  object: { name, uid, version, group },
})
const listOf = (...entries: Entry<Thing>[]) => new Map(entries.map((one) => [one.key, one]))
const makeThings = (): Store<Thing> => makeStore<Thing>({ group: ({ group }) => [group] })
const brief = (changes: readonly Change<Thing>[] | undefined) =>
  changes?.map(({ key, before, after }) => `${key}: ${before?.version ?? '-'} -> ${after?.version ?? '-'}`)

describe('resourceVersion', () => {
  const cases: [string | undefined, string | undefined, number][] = [
    ['9', '10', -1],
    ['10', '9', 1],
    ['10', '10', 0],
    [undefined, '1', -1],
    ['', '', 0],
    ['99999999999999999999', '100000000000000000000', -1],
    ['100000000000000000000', '100000000000000000001', -1],
  ]
  for (const [left, right, expected] of cases) {
    it(`${left} against ${right} is ${expected}`, () => assert.equal(compareVersions(left, right), expected))
  }
})

describe('store', () => {
  describe('what news does, by the state it meets', () => {
    const cases: [string, (store: Store<Thing>) => Change<Thing>[] | undefined, string[] | undefined][] = [
      ['a new object is put', (s) => s.put(entry('b', 11)), ['b: - -> 11']],
      ['a newer version is put', (s) => s.put(entry('a', 11)), ['a: 5 -> 11']],
      ['the same version comes again', (s) => s.put(entry('a', 5)), []],
      ['an older version comes', (s) => s.put(entry('a', 4)), []],
      ['an older object of that name comes', (s) => s.put(entry('a', 4, 'a-0')), []],
      ['the object was created again', (s) => s.put(entry('a', 12, 'a-2')), ['a: 5 -> -', 'a: - -> 12']],
      ['an event of before the list comes again', (s) => s.put(entry('gone', 7)), []],
      ['it ends', (s) => s.remove(entry('a', 12)), ['a: 5 -> -']],
      ['something unknown ends', (s) => s.remove(entry('z', 12)), []],
      ['an earlier object of that name ends, late', (s) => s.remove(entry('a', 3, 'a-0')), []],
      ['a later object of that name, never seen, ends', (s) => s.remove(entry('a', 13, 'a-9')), ['a: 5 -> -']],
      ['a list without it', (s) => s.replace(listOf(), '20'), ['a: 5 -> -']],
      ['a list with a newer version', (s) => s.replace(listOf(entry('a', 15)), '20'), ['a: 5 -> 15']],
      ['a list with the same version', (s) => s.replace(listOf(entry('a', 5)), '20'), []],
      ['a list with an older version of it', (s) => s.replace(listOf(entry('a', 4)), '20'), []],
      [
        'a list with another object of that name',
        (s) => s.replace(listOf(entry('a', 15, 'a-2')), '20'),
        ['a: 5 -> -', 'a: - -> 15'],
      ],
      ['a list older than what was reached', (s) => s.replace(listOf(), '9'), undefined],
      ['a list of the version that was reached', (s) => s.replace(listOf(entry('a', 5)), '10'), []],
      ['a write answers with a newer version', (s) => s.observe(entry('a', 12)), ['a: 5 -> 12']],
      ['a write answers with an older version', (s) => s.observe(entry('a', 4)), []],
      ['a write answers with a new object', (s) => s.observe(entry('n', 12)), ['n: - -> 12']],
      ['a write answers with what the watch has passed', (s) => s.observe(entry('n', 9)), []],
    ]
    for (const [name, news, expected] of cases) {
      it(name, () => {
        const store = makeThings()
        store.replace(listOf(entry('a', 5)), '10')
        assert.deepEqual(brief(news(store)), expected)
      })
    }
  })

  it('does not bring back an object whose end it has seen', () => {
    const store = makeThings()
    store.replace(listOf(entry('a', 5)), '10')
    store.remove(entry('a', 12))
    assert.deepEqual(store.put(entry('a', 11)), [], 'an event that comes twice')
    assert.deepEqual(store.observe(entry('a', 11)), [], 'the answer to a write that came before the end')
    assert.equal(store.get('a'), undefined)
    assert.deepEqual(brief(store.put(entry('a', 13))), ['a: - -> 13'], 'it entered the selection again')
  })

  it('keeps what a write told until the watch has come so far', () => {
    const store = makeThings()
    store.replace(listOf(), '10')
    store.observe(entry('n', 14))
    assert.deepEqual(store.replace(listOf(), '12'), [], 'a list of before that write')
    assert.equal(store.get('n')?.version, 14)
    assert.deepEqual(brief(store.replace(listOf(), '15')), ['n: 14 -> -'])
  })

  it('takes objects of a server that sends different objects out of order', () => {
    const store = makeThings()
    store.replace(listOf(), '10')
    store.put(entry('b', 12))
    assert.deepEqual(brief(store.put(entry('a', 11))), ['a: - -> 11'])
    assert.equal(store.reached(), '12')
  })

  it('moves objects between index values and forgets empty ones', () => {
    const store = makeThings()
    store.replace(listOf(entry('a', 1, 'a-1', 'x'), entry('b', 2, 'b-1', 'x')), '2')
    store.put(entry('a', 3, 'a-1', 'y'))
    assert.deepEqual(
      [...store.byIndex('group', 'x')].map(({ name }) => name),
      ['b'],
    )
    assert.deepEqual(
      [...store.byIndex('group', 'y')].map(({ name }) => name),
      ['a'],
    )
    store.remove(entry('a', 4))
    assert.deepEqual([...store.byIndex('group', 'y')], [])
    assert.throws(() => store.byIndex('grup', 'y'), /there is no index "grup"/)
  })

  it('agrees with a server whatever is repeated, lost or told early', () => {
    const hits = { put: 0, remove: 0, relist: 0, staleList: 0, observe: 0, repeat: 0 }
    const seed = 20261
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(8), fc.nat(3), fc.nat(30)), { maxLength: 120, size: 'max' }), (steps) => {
        checkAgainstServer(steps, hits)
      }),
      { seed, numRuns: 300 },
    )
    console.log(`        seed ${seed}, ${JSON.stringify(hits)}`)
    for (const [name, count] of Object.entries(hits)) assert.ok(count > 0, `${name} was never hit`)
  })
})

/** A server with a history; the store hears of it with losses (healed by a list) and repetitions. */
const checkAgainstServer = (steps: [number, number, number][], hits: Record<string, number>): void => {
  const server = new Map<string, Entry<Thing>>()
  const log: ((store: Store<Thing>) => void)[] = []
  const lists: { version: number; entries: Map<string, Entry<Thing>> }[] = []
  const store = makeThings()
  const seen = new Map<string, number>()
  let version = 1
  let lives = 0
  store.replace(new Map(), '1')

  const never = (): void => {
    for (const { uid, version: now } of store.list()) {
      assert.ok(now >= (seen.get(uid) ?? 0), `${uid} went back from ${seen.get(uid)} to ${now}`)
      seen.set(uid, now)
    }
  }
  for (const [kind, which, choice] of steps) {
    const name = `n${which}`
    const held = server.get(name)
    version++
    lists.push({ version: version - 1, entries: new Map(server) })
    if (kind <= 3) {
      const written = entry(name, version, held?.uid ?? `${name}-${lives++}`)
      server.set(name, written)
      log.push((s) => void s.put(written))
      if (kind === 3) {
        // The writer hears of it first, the watch comes later (or not at all).
        store.observe(written)
        hits.observe!++
      } else {
        store.put(written)
        hits.put!++
      }
    } else if (kind === 4 && held) {
      const gone = entry(name, version, held.uid)
      server.delete(name)
      log.push((s) => void s.remove(gone))
      store.remove(gone)
      hits.remove!++
    } else if (kind === 5) {
      store.replace(new Map(server), String(version))
      hits.relist!++
    } else if (kind === 6 && lists.length > 1) {
      const old = lists[choice % lists.length]!
      if (compareVersions(String(old.version), store.reached()) < 0) hits.staleList!++
      store.replace(old.entries, String(old.version))
    } else if (kind >= 7 && log.length > 0) {
      log[log.length - 1 - (choice % log.length)]!(store)
      hits.repeat!++
    }
    never()
  }
  store.replace(new Map(server), String(version + 1))
  const expected = [...server.values()].map(({ key, object }) => `${key} ${object.version}`).sort()
  assert.deepEqual([...store.list()].map(({ name, version: now }) => `${name} ${now}`).sort(), expected)
}
