import assert from 'node:assert/strict'
import type { DeadLetter } from '../../operator/api/dead-letter.ts'
import type { DeadLetterQuery, Ledger } from '../../operator/ports/ledger.ts'

const start = Date.UTC(2026, 0, 31, 12)
const timeAt = (ms: number): string => new Date(start + ms).toISOString()

export const deadLetter = (over: Partial<DeadLetter> = {}): DeadLetter => ({
  at: timeAt(0),
  topic: 'events.normalized',
  reason: 'NotJson',
  message: 'Event: the message: expected JSON, found nothing',
  raw: Buffer.from('{'),
  ...over,
})

const hostile = [`'; DROP TABLE karma.dead_letters; --`, '\\', '\u0000\n\t"', '😀\u2028', 'FORMAT JSONEachRow {}', '']

/** What the ledger promises of dead letters. One ledger for all tests, so each has reasons of its own. */
export const lettersContract = (name: string, open: () => Promise<Ledger>): void => {
  describe(`dead letters in the ledger: ${name}`, function () {
    this.timeout(60_000)
    let ledger: Ledger
    before(async () => {
      ledger = await open()
    })
    after(() => ledger.close())

    const find = (query: Omit<DeadLetterQuery, 'limit'>) => ledger.deadLetters({ ...query, limit: 100 })
    const one = async (reason: string) => {
      const letters = await find({ reason })
      assert.equal(letters.length, 1, JSON.stringify(letters))
      return letters[0]!
    }

    it('keeps every byte, and what is said of the letter', async () => {
      const raw = Buffer.from(Array.from({ length: 1024 }, (_, i) => i % 256))
      const letter = deadLetter({ topic: 'actions.results', partition: 0, offset: '9007199254740993', key: '', raw })
      await ledger.keep([{ ...letter, reason: 'EveryByte', omitted: 12 }])
      const { id, ...kept } = await one('EveryByte')
      const { raw: _, ...said } = letter
      assert.deepEqual(kept, { ...said, reason: 'EveryByte', omitted: 12, size: 1024 })
      assert.match(id, /^[0-9a-f]{64}$/)
      assert.deepEqual(Buffer.from((await ledger.bytesOf(id))!), raw)
      assert.equal(await ledger.bytesOf('0'.repeat(64)), undefined)
    })

    it('takes an empty one, and large ones together', async () => {
      const sizes = [0, 5 * 1024 * 1024, 6 * 1024 * 1024, 1]
      await ledger.keep(sizes.map((size) => deadLetter({ reason: 'Sized', raw: Buffer.alloc(size, 0xe9) })))
      const letters = await find({ reason: 'Sized' })
      assert.deepEqual(
        letters.map(({ size }) => size).sort((a, b) => a - b),
        sizes.toSorted((a, b) => a - b),
      )
      for (const { id, size } of letters) assert.ok(Buffer.alloc(size, 0xe9).equals((await ledger.bytesOf(id))!))
    })

    it('a letter that comes again is the same one; another place or other bytes make another', async () => {
      const letters = [
        deadLetter({ reason: 'Again' }),
        deadLetter({ reason: 'Again', partition: 1, offset: '5' }),
        deadLetter({ reason: 'Again', partition: 1, offset: '6' }),
        deadLetter({ reason: 'Again', partition: 1, offset: '6', raw: Buffer.from('[') }),
        deadLetter({ reason: 'Again', topic: 'actions.progress' }),
      ]
      await ledger.keep(letters)
      await ledger.keep(letters.toReversed())
      await ledger.keep([letters[0]!, letters[0]!])
      const found = await find({ reason: 'Again' })
      assert.equal(found.length, letters.length)
      assert.equal(new Set(found.map(({ id }) => id)).size, letters.length)
    })

    it('keeps hostile text exact, and asks by it', async () => {
      await ledger.keep(
        hostile.map((text, i) =>
          deadLetter({ reason: `Hostile ${text}`, message: text, key: text, partition: 7, offset: `${i}${text}` }),
        ),
      )
      for (const [i, text] of hostile.entries()) {
        const letter = await one(`Hostile ${text}`)
        assert.deepEqual([letter.message, letter.key, letter.offset], [text, text, `${i}${text}`])
        assert.deepEqual(await find({ reason: text }), [])
        assert.deepEqual(await find({ id: `x${text}` }), [])
      }
    })

    it('what a header says may be nonsense, and holds nothing up', async () => {
      await ledger.keep([
        deadLetter({ reason: 'Nonsense', at: 'yesterday', partition: -5, offset: 'x', omitted: -3, key: '\ud800' }),
      ])
      const { id: _, ...letter } = await one('Nonsense')
      assert.deepEqual(letter, {
        at: '1970-01-01T00:00:00.000Z',
        topic: 'events.normalized',
        partition: -5,
        offset: 'x',
        key: '\ufffd',
        reason: 'Nonsense',
        message: deadLetter().message,
        size: 1,
      })
    })

    it('answers by topic, reason, time and beginning of the id, newest first', async () => {
      const of = (ms: number, topic: DeadLetter['topic']) =>
        deadLetter({ reason: 'Asked', at: timeAt(ms), topic, raw: Buffer.from(`asked ${ms}`) })
      await ledger.keep([of(1, 'events.normalized'), of(3, 'actions.results'), of(2, 'events.normalized')])
      const times = async (query: Omit<DeadLetterQuery, 'limit'>) =>
        (await find({ reason: 'Asked', ...query })).map(({ at }) => Date.parse(at) - start)
      assert.deepEqual(await times({}), [3, 2, 1])
      assert.deepEqual(await times({ topic: 'events.normalized' }), [2, 1])
      assert.deepEqual(await times({ since: start + 2 }), [3, 2])
      const { id } = (await find({ reason: 'Asked' }))[1]!
      assert.deepEqual(await times({ id: id.slice(0, 12) }), [2])
      assert.equal((await ledger.deadLetters({ reason: 'Asked', limit: 2 })).length, 2)
    })

    it('marks what was replayed, for good; what waits is told oldest first, page by page', async () => {
      const letters = [4, 1, 3, 2, 2].map((ms, i) =>
        deadLetter({ reason: 'Waiting', at: timeAt(ms), raw: Buffer.from(`waiting ${i}`) }),
      )
      await ledger.keep(letters)
      const pages: string[][] = []
      let after: { at: string; id: string } | undefined
      for (;;) {
        const page = await ledger.deadLetters({ reason: 'Waiting', waiting: after ? { after } : {}, limit: 2 })
        if (page.length === 0) break
        pages.push(page.map(({ at }) => at))
        after = page.at(-1)
      }
      assert.deepEqual(pages, [[timeAt(1), timeAt(2)], [timeAt(2), timeAt(3)], [timeAt(4)]])
      const [newest, next] = await find({ reason: 'Waiting' })
      await ledger.markReplayed([newest!.id, next!.id, `'`], timeAt(1000))
      await ledger.markReplayed([], timeAt(1000))
      // Delivered once more, as after a crash: it stays replayed.
      await ledger.keep(letters)
      assert.equal((await find({ reason: 'Waiting', waiting: {} })).length, 3)
      const marked = (await find({ reason: 'Waiting' })).filter(({ replayedAt }) => replayedAt !== undefined)
      assert.deepEqual(marked, [
        { ...newest, replayedAt: timeAt(1000) },
        { ...next, replayedAt: timeAt(1000) },
      ])
      assert.deepEqual(Buffer.from((await ledger.bytesOf(newest!.id))!), letters[0]!.raw)
      await ledger.markReplayed([newest!.id], timeAt(2000))
      assert.equal((await find({ id: newest!.id }))[0]?.replayedAt, timeAt(2000))
    })
  })
}
