import assert from 'node:assert/strict'
import type { JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { bytesInJson } from '../../../../operator/api/text.ts'
import { bounds } from '../../../../operator/core/change/bounds.ts'
import { tooLarge } from '../../../../operator/core/guard/too-large.ts'
import { aComponent, aWorld } from '../../../support/builders.ts'
import { aChange, aCreation, says } from './world.ts'

describe('guard TooLarge', () => {
  /** JSON text of `{"a":"…"}` of so many bytes */
  const ofSize = (bytes: number): JsonObject => ({ a: 'x'.repeat(bytes - 8) })
  const world = (config: JsonObject) => aWorld({ components: [aComponent('site/main', { config })] })
  const said = (what: string) => `TooLarge Reject TooLarge site/main: Component site/main: ${what}`
  /** twelve bytes for each pair, which are stored as sixteen */
  const quotes = (pairs: number): JsonObject =>
    Object.fromEntries(Array.from({ length: pairs }, (_, i) => [i.toString(36).padStart(3, '0'), 'v']))

  says(tooLarge, [
    ['as large as may be', () => aChange(world({}), 'site/main', ofSize(32_768)), []],
    [
      'one byte more',
      () => aChange(world({}), 'site/main', ofSize(32_769)),
      [said('spec.config: expected at most 32768 bytes of JSON, found 32769')],
    ],
    [
      'much more says the rest',
      () => aChange(world({}), 'site/main', ofSize(40_000)),
      [said('spec.config: expected at most 32768 bytes of JSON, found 40000')],
    ],
    [
      'bytes are counted, not characters',
      () => aChange(world({}), 'site/main', { a: '鯨'.repeat(11_000) }),
      [said('spec.config: expected at most 32768 bytes of JSON, found 33008')],
    ],
    [
      'references count with the config',
      () => {
        const references = Array.from({ length: 64 }, (_, i) => ({
          name: `r${i}`,
          component: `bucket/${'b'.repeat(60)}`,
        }))
        const component = aComponent('site/main', { config: ofSize(32_000), references, committed: false })
        return aCreation(aWorld(), component)
      },
      [
        said(
          'config, references, source, project and allowedNamespaces together: expected at most 36864 bytes of JSON, found 38224',
        ),
      ],
    ],
    [
      'a before-image as it is stored',
      () =>
        aChange(
          world(quotes(2_600)),
          'site/main',
          Object.fromEntries(Object.keys(quotes(2_600)).map((key) => [`${key}x`, 1])),
        ),
      [said('the before-image: expected at most 65536 bytes of JSON, found 72801')],
    ],
    [
      'a creation has none',
      () => aCreation(aWorld(), aComponent('site/main', { config: quotes(2_600), committed: false })),
      [],
    ],
  ])

  it('lets pass only what fits into what is kept', () => {
    for (let pairs = 1_000; pairs < 2_700; pairs += 300) {
      const change = aChange(world(quotes(pairs)), 'site/main', { b: 1 })
      const kept = bytesInJson(JSON.stringify({ ...quotes(pairs), b: null }))
      assert.equal(tooLarge(change).length === 0, kept <= bounds.beforeImages, `${pairs} pairs`)
    }
  })
})
