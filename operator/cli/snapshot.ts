import { type Result, success } from '../api/result.ts'
import type { Objects } from '../ports/objects.ts'
import type { Snapshot } from './local-world.ts'

/** Lists are forgotten after minutes; reading takes seconds. */
const attempts = 3

/** All that a plan in this namespace rests on, as of the moment at which its Components were listed. */
export const readSnapshot = async (objects: Objects, namespace: string): Promise<Result<Snapshot>> => {
  for (let attempt = 1; ; attempt++) {
    const read = await readOnce(objects, namespace)
    if (read.ok || read.failure.reason !== 'Expired' || attempt === attempts) return read
  }
}

const readOnce = async (objects: Objects, namespace: string): Promise<Result<Snapshot>> => {
  const components = await objects.list('Component', { namespace })
  if (!components.ok) return components
  const at = components.value.resourceVersion
  const [environments, applying, types] = await Promise.all([
    objects.list('Environment', { namespace, at }),
    objects.list('ChangeRequest', { namespace, at, fields: 'status.phase=Applying' }),
    objects.list('ComponentType', { at }),
  ])
  if (!environments.ok) return environments
  if (!applying.ok) return applying
  if (!types.ok) return types
  return success({
    namespace,
    components: components.value.items,
    environments: environments.value.items,
    applying: applying.value.items,
    types: types.value.items,
  })
}
