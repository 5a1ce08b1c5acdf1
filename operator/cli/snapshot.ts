import { type Result, success } from '../api/result.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import type { Snapshot } from './local-world.ts'
import { unfinished } from './subject.ts'

/** Lists are forgotten after minutes; reading takes seconds. */
const attempts = 3

/**
 * All that a plan in this namespace rests on, as of the moment at which its Components were listed. `undone`: names of
 * requests that are to be rolled back; these never change again, but for what has undone them.
 */
export const readSnapshot = async (
  objects: Objects,
  namespace: string,
  undone: readonly string[],
): Promise<Result<Snapshot>> => {
  for (let attempt = 1; ; attempt++) {
    const read = await readOnce(objects, namespace, undone)
    if (read.ok || read.failure.reason !== 'Expired' || attempt === attempts) return read
  }
}

const readOnce = async (objects: Objects, namespace: string, undone: readonly string[]): Promise<Result<Snapshot>> => {
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
  return success({
    namespace,
    components: components.value.items,
    environments: environments.value.items,
    requests: [...open.value.items, ...ended.value],
    types: types.value.items,
  })
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
