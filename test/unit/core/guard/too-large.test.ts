import type { JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { imagesTooLarge, tooLarge } from '../../../../operator/core/guard/too-large.ts'
import { aComponent, aWorld } from '../../../support/builders.ts'
import { aChange, aCreation, aWhole, says, saysOfAll } from './world.ts'

describe('guard TooLarge', () => {
  /** JSON text of `{"a":"…"}` of so many bytes */
  const ofSize = (bytes: number): JsonObject => ({ a: 'x'.repeat(bytes - 8) })
  const world = (config: JsonObject) => aWorld({ components: [aComponent('site/main', { config })] })
  const said = (what: string) => `TooLarge Reject TooLarge site/main: Component site/main: ${what}`

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
  ])

  const image = (bytes: number) => ({ component: 'site/main', before: 'x'.repeat(bytes), after: '{}' })
  const empty = JSON.stringify([image(0)]).length
  saysOfAll(imagesTooLarge, [
    ['images as large as may be', () => aWhole(world({}), 'site/main', { a: 1 }, [image(65_536 - empty)]), []],
    [
      'one byte more, in the first or in the last of them',
      () => aWhole(world({}), 'site/main', { a: 1 }, [image(65_537 - empty)]),
      [said('the before- and after-images of the change together: expected at most 65536 bytes of JSON, found 65537')],
    ],
    [
      'as they are stored: a quote is two bytes',
      () => aWhole(world({}), 'site/main', { a: 1 }, [{ ...image(0), before: '"'.repeat(40_000) }]),
      [
        said(
          `the before- and after-images of the change together: expected at most 65536 bytes of JSON, found ${80_000 + empty}`,
        ),
      ],
    ],
  ])
})
