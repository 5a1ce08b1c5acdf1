import type { FieldOwner, Json, JsonObject } from '../../api/kinds.generated.ts'
import { isObject } from '../../api/merge-patch.ts'
import { pointerTokens } from '../change/patch.ts'
import { display } from '../component/identity.ts'
import type { Facts, Guard, Verdict } from './facts.ts'

/** Field managers that write what is in Git, unless the Environment names others. */
const gitManagers = ['argocd-controller', 'kustomize-controller', 'helm']

/**
 * One place per field: what is in Git is changed in Git, where the next sync would bring it back. What another applies
 * from elsewhere is only warned of. Edits of spec pass: they come from there.
 */
export const fieldOwned: Guard = (facts) => {
  const { world, component, request, before } = facts
  if (!request || request.isEdit || before === null) return []
  const managers = world.environment.spec?.gitManagers ?? gitManagers
  const inGit = ({ manager }: FieldOwner): boolean => managers.includes(manager)
  return (component.metadata.owners ?? [])
    .filter((owner) => inGit(owner) || owner.applies)
    .flatMap((owner) => verdictOn(facts, owner, inGit(owner)))
}

const verdictOn = ({ world, id, changedPaths, after }: Facts, owner: FieldOwner, inGit: boolean): Verdict[] => {
  const fields = JSON.parse(owner.fields) as JsonObject
  const owned = after === null ? ['/'] : changedPaths.filter((path) => isOwned(fields, fieldsOf(path)))
  if (owned.length === 0) return []
  const object = display(id, world.namespace)
  const what = after === null ? 'the Component' : owned.slice(0, shown).join(', ')
  const more = owned.length > shown ? ` and ${owned.length - shown} more` : ''
  const found = `${what}${more} managed by ${owner.manager}`
  const message = inGit
    ? `Component ${object}: expected what no Git manager owns, found ${found}; change it in Git`
    : `Component ${object}: ${found}: what is applied there next will bring its own value back; change it there too`
  return [{ guard: 'FieldOwned', verdict: inGit ? 'Reject' : 'Warn', reason: 'FieldOwned', object, message }]
}

const shown = 5

/** The keys of a set of fields that lead to a changed path: `f:NAME`, and of a reference its key in the list. */
const fieldsOf = (path: string): string[] => {
  if (path.startsWith('/')) return ['f:config', ...pointerTokens(path).map((token) => `f:${token}`)]
  if (path.startsWith('references.'))
    return ['f:references', `k:${JSON.stringify({ name: path.slice('references.'.length) })}`]
  return [`f:${path}`]
}

/**
 * The path itself is in the set, or something below it, or a value above it that is owned whole. Whoever owns a map
 * (`.`) does not own the keys that others put into it.
 */
const isOwned = (fields: JsonObject, path: readonly string[]): boolean => {
  let node: Json | undefined = fields
  for (const key of path) {
    if (!isObject(node)) return false
    if (node !== fields && Object.keys(node).length === 0) return true
    if (!Object.hasOwn(node, key)) return false
    node = node[key]
  }
  return true
}
