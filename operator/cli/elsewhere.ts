import { type Result, success } from '../api/result.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import { unfinished } from './subject.ts'

/** What was read of other namespaces: those that are referred to, and those that may refer in. */
export interface Elsewhere {
  readonly components: readonly Of<'Component'>[]
  /** as far as they may be read */
  readonly environments: readonly Of<'Environment'>[]
  /** those that have not ended, as far as they may be read */
  readonly requests: readonly Of<'ChangeRequest'>[]
  /** namespaces whose Components may not be read */
  readonly unread: readonly string[]
}

/**
 * Reads, as of one moment, the namespaces that something in `components` or in `asked` names, and those that are let
 * refer to these Components, and to what is there, and so on.
 */
export const readElsewhere = async (
  objects: Objects,
  home: string,
  { components, asked, at }: { components: readonly Of<'Component'>[]; asked: unknown; at: string },
): Promise<Result<Elsewhere>> => {
  const read = new Map<string, Pick<Elsewhere, 'components' | 'environments' | 'requests'>>()
  const unread: string[] = []
  const named = namespacesIn([asked, components.map(({ status }) => status?.committed?.references)])
  const invited = [...new Set(components.flatMap(allowed))]
  const due = new Set([...invited, ...named])
  due.delete(home)
  for (const namespace of due) {
    const listed = await objects.list('Component', { namespace, at })
    if (!listed.ok && listed.failure.reason !== 'Forbidden') return listed
    if (!listed.ok) {
      unread.push(namespace)
      continue
    }
    const [environments, requests] = await Promise.all([
      objects.list('Environment', { namespace, at }),
      objects.list('ChangeRequest', { namespace, at, fields: unfinished }),
    ])
    const itemsOf = <T>(list: Result<{ readonly items: readonly T[] }>): readonly T[] =>
      list.ok ? list.value.items : []
    read.set(namespace, {
      components: listed.value.items,
      environments: itemsOf(environments),
      requests: itemsOf(requests),
    })
    // Who is only referred to has others that refer to it, and these feel nothing of what happens here.
    if (!invited.includes(namespace)) continue
    for (const next of listed.value.items.flatMap(allowed)) {
      if (next === home) continue
      invited.push(next)
      due.add(next)
    }
  }
  const all = [...read.values()]
  return success({
    components: all.flatMap((one) => one.components),
    environments: all.flatMap((one) => one.environments),
    requests: all.flatMap((one) => one.requests),
    unread,
  })
}

const allowed = ({ status }: Of<'Component'>): readonly string[] => status?.committed?.allowedNamespaces ?? []

/** The namespaces in which references of this value, however deep they stand in it, name a Component. */
const namespacesIn = (value: unknown): string[] => {
  const found = new Set<string>()
  const visit = (one: unknown, key: string): void => {
    if (typeof one === 'string' && key === 'component') {
      const parts = one.split('/')
      if (parts.length === 3) found.add(parts[0]!)
    }
    if (typeof one === 'object' && one !== null) for (const [name, inner] of Object.entries(one)) visit(inner, name)
  }
  visit(value, '')
  return [...found]
}
