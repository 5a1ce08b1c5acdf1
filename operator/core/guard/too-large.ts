import { limits } from '../../api/parse.ts'
import { bounds } from '../change/bounds.ts'
import { display } from '../component/identity.ts'
import type { Facts, Guard, Verdict, WholeGuard } from './facts.ts'

/** What the change would make must fit where it will be kept. */
export const tooLarge: Guard = (facts) => {
  const { world, id, after, references } = facts
  if (after === null) return []
  const object = display(id, world.namespace)
  const reject = (what: string, limit: number, found: number) =>
    found <= limit ? [] : [tooMuch(object, what, limit, found)]
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
  ]
}

/** What the change writes and what undoes it are kept in the status of its request. */
export const imagesTooLarge: WholeGuard = ({ world, items, images }) => {
  const found = bytesOf(images)
  if (found <= bounds.images) return []
  const object = display(items[0]?.id ?? '', world.namespace)
  return [tooMuch(object, 'the before- and after-images of the change together', bounds.images, found)]
}

const tooMuch = (object: string, what: string, limit: number, found: number): Verdict => {
  const message = `Component ${object}: ${what}: expected at most ${limit} bytes of JSON, found ${found}`
  return { guard: 'TooLarge', verdict: 'Reject', reason: 'TooLarge', object, message }
}

/** What is committed beside config and references: a request leaves it as it is. */
const restOf = ({ before, component: { spec, status } }: Facts) =>
  before === null ? spec : (status?.committed ?? spec)

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value))
