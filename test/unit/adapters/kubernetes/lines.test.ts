import assert from 'node:assert/strict'
import fc from 'fast-check'
import { linesOf } from '../../../../operator/adapters/kubernetes/lines.ts'

const stream = async function* (chunks: readonly (Buffer | Error)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk
    yield chunk
  }
}
const read = async (chunks: readonly (Buffer | Error)[], maxBytes = 1000): Promise<(string | Error)[]> => {
  const lines: (string | Error)[] = []
  try {
    for await (const line of linesOf(stream(chunks), { maxBytes })) lines.push(line)
  } catch (error) {
    lines.push(error as Error)
  }
  return lines
}
const text = (...chunks: string[]) => chunks.map((chunk) => Buffer.from(chunk))

describe('lines of a stream', () => {
  const cases: [string, Buffer[], string[]][] = [
    ['whole lines', text('a\nb\n'), ['a', 'b']],
    ['a line in three pieces', text('a', 'b', 'c\nd\n'), ['abc', 'd']],
    ['a newline of its own', text('a', '\n', 'b\n'), ['a', 'b']],
    ['empty lines', text('\n\na\n\n'), ['a']],
    ['what a cut left of a line', text('a\n{"type":"ADD'), ['a']],
    ['a character cut in two', [Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a])], ['é']],
    ['nothing', [], []],
  ]
  for (const [name, chunks, expected] of cases) {
    it(name, async () => assert.deepEqual(await read(chunks), expected))
  }

  it('gives up on a line without end', async () => {
    const lines = await read(text('ok\n', 'x'.repeat(600), 'x'.repeat(600), '\nnever\n'))
    assert.equal(lines[0], 'ok')
    assert.match(String(lines[1]), /a line of the watch is longer than 1000 bytes/)
    assert.equal(lines.length, 2)
  })

  it('gives out the whole lines before a failure, and no others', async () => {
    const lines = await read([...text('a\nb'), new Error('reset')])
    assert.deepEqual(lines.map(String), ['a', 'Error: reset'])
  })

  it('is told of all bytes', async () => {
    let told = 0
    const onBytes = () => {
      told++
    }
    for await (const _ of linesOf(stream(text('a', 'b', 'c\n')), { maxBytes: 10, onBytes }));
    assert.equal(told, 3)
  })

  it('does not depend on where the stream is cut', async () => {
    const seed = 20263
    let cuts = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(20)), async (lines, sizes) => {
        const whole = lines.map((line) => line.replace(/\n/g, '')).filter((line) => line !== '')
        const bytes = Buffer.from(whole.map((line) => `${line}\n`).join(''))
        const chunks: Buffer[] = []
        for (let at = 0, next = 0; at < bytes.length; next++) {
          const size = (sizes[next % sizes.length] ?? 7) + 1
          chunks.push(bytes.subarray(at, at + size))
          at += size
          cuts++
        }
        assert.deepEqual(await read(chunks, 10_000), whole)
      }),
      { seed, numRuns: 200 },
    )
    console.log(`        seed ${seed}, ${cuts} cuts`)
    assert.ok(cuts > 100)
  })
})
