import { parseJson } from '../api/json.ts'
import { type Result, success } from '../api/result.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import { readElsewhere } from './elsewhere.ts'
import type { Snapshot } from './local-world.ts'
import { unfinished } from './subject.ts'

/** Lists are forgotten after minutes; reading takes seconds. */
const attempts = 3

/**
 * All that a plan in this namespace rests on, as of the moment at which its Components were listed. `undone`: names of
 * requests that are to be rolled back; these never change again, but for what has undone them. `asked`: what may name
 * Components of other namespaces.
 */
export const readSnapshot = async (
  objects: Objects,
  namespace: string,
  { undone, asked }: { undone: readonly string[]; asked: unknown },
): Promise<Result<Snapshot>> => {
  for (let attempt = 1; ; attempt++) {
    const read = await readOnce(objects, namespace, undone, asked)
    if (read.ok || read.failure.reason !== 'Expired' || attempt === attempts) return read
  }
}

const readOnce = async (
  objects: Objects,
  namespace: string,
  undone: readonly string[],
  asked: unknown,
): Promise<Result<Snapshot>> => {
  const components = await objects.list('Component', { namespace })
  if (!components.ok) return components
  const at = components.value.resourceVersion
  const [environments, open, types, ended] = await Promise.all([
    objects.list('Environment', { namespace, at }),
    objects.list('ChangeRequest', { namespace, at, fields: unfinished }),
    objects.list('ComponentType', { at }),
    readUndone(objects, namespace, undone),
  ])
  if (!environments.ok) return environments
  if (!open.ok) return open
  if (!ended.ok) return ended
  if (!types.ok) return types
  const images = ended.value
    .flatMap(({ status }) => status?.images ?? [])
    .map(({ before, after }) => [before, after].map(parsed))
  const around = { components: components.value.items, asked: [asked, images], at }
  const elsewhere = await readElsewhere(objects, namespace, around)
  if (!elsewhere.ok) return elsewhere
  return success({
    namespace,
    elsewhere: elsewhere.value,
    components: components.value.items,
    environments: environments.value.items,
    requests: [...open.value.items, ...ended.value],
    types: types.value.items,
  })
}

const parsed = (text: string): unknown => {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/** Those, and what has undone them, and what has undone that. */
const readUndone = async (
  objects: Objects,
  namespace: string,
  names: readonly string[],
): Promise<Result<Of<'ChangeRequest'>[]>> => {
  const found = new Map<string, Of<'ChangeRequest'>>()
  const due = [...names]
  for (let name = due.shift(); name !== undefined; name = due.shift()) {
    if (found.has(name)) continue
    const read = await objects.get('ChangeRequest', `${namespace}/${name}`)
    if (!read.ok) return read
    if (!read.value) continue
    found.set(name, read.value)
    const by = read.value.status?.rolledBackBy
    if (by !== undefined) due.push(by)
  }
  return success([...found.values()])
}
