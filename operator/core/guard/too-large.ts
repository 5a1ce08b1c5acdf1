import type { JsonObject } from '../../api/kinds.generated.ts'
import { patchBetween } from '../../api/merge-patch.ts'
import { limits } from '../../api/parse.ts'
import { bytesInJson } from '../../api/text.ts'
import { bounds } from '../change/bounds.ts'
import { display } from '../component/identity.ts'
import type { Facts, Guard, Verdict } from './facts.ts'

/** What the change would make must fit where it will be kept. */
export const tooLarge: Guard = (facts) => {
  const { world, id, before, after, references } = facts
  const object = display(id, world.namespace)
  const reject = (what: string, limit: number, found: number): Verdict[] => {
    if (found <= limit) return []
    const message = `Component ${object}: ${what}: expected at most ${limit} bytes of JSON, found ${found}`
    return [{ guard: 'TooLarge', verdict: 'Reject', reason: 'TooLarge', object, message }]
  }
  const { source, project, allowedNamespaces } = restOf(facts)
  const config = reject('spec.config', limits.config.bytes, bytesOf(after))
  // What is too large by itself says the rest.
  if (config.length > 0) return config
  return [
    ...reject(
      'config, references, source, project and allowedNamespaces together',
      bounds.committed,
      bytesOf({ config: after, references, source, project, allowedNamespaces }),
    ),
    ...reject('the before-image', bounds.beforeImages, before === null ? 0 : imageBytes(before, after)),
  ]
}

/** What is committed beside config and references: a request leaves it as it is. */
const restOf = ({ before, component: { spec, status } }: Facts) =>
  before === null ? spec : (status?.committed ?? spec)

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value))

/** It is stored as a text, in which every quote of it costs two bytes. */
const imageBytes = (before: JsonObject, after: JsonObject): number =>
  bytesInJson(JSON.stringify(patchBetween(after, before)))
