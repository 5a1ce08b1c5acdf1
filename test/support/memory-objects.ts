import type { Requester } from '../../operator/api/kinds.generated.ts'
import { mergePatch } from '../../operator/api/merge-patch.ts'
import { failure, success } from '../../operator/api/result.ts'
import type { Kind, Of } from '../../operator/ports/cluster.ts'
import type { Objects } from '../../operator/ports/objects.ts'

type Stored = { -readonly [K in Kind]?: Of<K>[] }

export interface MemoryObjects {
  readonly objects: Objects
  /** what was written, in order */
  readonly written: { readonly what: string; readonly body: object }[]
  /** Called after each write or read of one object, as if others wrote meanwhile. */
  onTouch?: (kind: Kind, key: string) => void
}

/** Karma's objects of a cluster, in memory, behind the port that the command line reads and writes them by. */
export const makeMemoryObjects = (
  stored: Stored = {},
  { username = 'jo', groups = ['system:authenticated'], forbidden = [] as readonly string[] } = {},
): MemoryObjects => {
  const written: MemoryObjects['written'] = []
  const keyOf = ({ metadata }: { metadata: { namespace?: string; name: string } }): string =>
    metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
  const all = <K extends Kind>(kind: K): Of<K>[] => (stored[kind] ?? []) as Of<K>[]
  const refuse = (verb: string, kind: string) =>
    forbidden.includes(`${verb} ${kind}`)
      ? failure({ reason: 'Forbidden', message: `${username} cannot ${verb} ${kind}`, retry: true })
      : undefined
  const memory: MemoryObjects = {
    written,
    objects: {
      async get(kind, key) {
        memory.onTouch?.(kind, key)
        return refuse('get', kind) ?? success(all(kind).find((object) => keyOf(object) === key))
      },
      async list(kind, { namespace, fields = '' } = {}) {
        const items = all(kind).filter(
          (object) =>
            (namespace === undefined || object.metadata.namespace === namespace) &&
            fields.split(',').every(meets(object)),
        )
        return refuse('list', kind) ?? success({ items, resourceVersion: '100' })
      },
      async create(kind, namespace, manifest) {
        const refused = refuse('create', kind)
        if (refused) return refused
        const { name, generateName } = (manifest as { metadata: { name?: string; generateName?: string } }).metadata
        const made = name ?? `${generateName}x7k2p`
        if (kind === 'ChangeRequest' && all(kind).some((object) => keyOf(object) === `${namespace}/${made}`)) {
          return failure({ reason: 'AlreadyExists', message: `${made} already exists`, retry: false })
        }
        written.push({ what: `create ${kind} ${namespace}/${made}`, body: manifest })
        return success(made)
      },
      async patch(kind, key, patch) {
        const refused = refuse('patch', kind)
        const object = all(kind).find((one) => keyOf(one) === key)
        if (refused || !object)
          return refused ?? failure({ reason: 'NotFound', message: `${key} not found`, retry: false })
        written.push({ what: `patch ${kind} ${key}`, body: patch })
        Object.assign(object, mergePatch(object as never, patch as never))
        memory.onTouch?.(kind, key)
        return success(object)
      },
      whoAmI: async () => success<Requester>({ username, groups: [...groups] }),
    },
  }
  return memory
}

/** One requirement of a field selector, as the API server takes it. */
const meets =
  (object: object) =>
  (requirement: string): boolean => {
    const [, path = '', not = '', value = ''] = /^(.*?)(!?)=(.*)$/.exec(requirement) ?? []
    if (path === '') return true
    const found = path
      .split('.')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object)
    return ((found ?? '') === value) !== (not === '!')
  }
