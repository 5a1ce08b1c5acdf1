import { patchBetween } from '../../api/merge-patch.ts'
import { limits } from '../../api/parse.ts'
import { display } from '../component/identity.ts'
import type { Guard } from './facts.ts'

/** Characters of the before-image that a request can keep until it has ended. */
export const beforeImageLimit = 65_536

/** What the change would make must fit where it will be kept. */
export const tooLarge: Guard = ({ world, id, before, after }) => {
  const object = display(id, world.namespace)
  const reject = (what: string, limit: number, found: number) =>
    found <= limit
      ? []
      : [
          {
            guard: 'TooLarge',
            verdict: 'Reject' as const,
            reason: 'TooLarge' as const,
            object,
            message: `Component ${object}: ${what}: expected at most ${limit} bytes of JSON, found ${found}`,
          },
        ]
  const image = before === null ? 0 : JSON.stringify(patchBetween(after, before)).length
  return [
    ...reject('spec.config', limits.config.bytes, Buffer.byteLength(JSON.stringify(after))),
    ...reject('the before-image', beforeImageLimit, image),
  ]
}
