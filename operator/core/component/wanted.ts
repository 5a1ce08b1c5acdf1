import { hash } from 'node:crypto'
import { canonical } from '../../api/json.ts'
import type { ComponentSpec, JsonObject, Reference, Source } from '../../api/kinds.generated.ts'

/** The part of a Component that passes the gate. Nothing in it is empty: absent and empty mean the same. */
export interface Wanted {
  readonly config?: JsonObject
  readonly references?: Reference[]
  readonly source?: Source
  readonly project?: string
  readonly allowedNamespaces?: string[]
}

/** Takes a spec, or what is committed: both hold the same fields. */
export const wantedOf = (
  spec: Pick<ComponentSpec, 'config' | 'references' | 'source' | 'project' | 'allowedNamespaces'>,
): Wanted => {
  const { config, references, source, project, allowedNamespaces } = spec
  return {
    ...(config && Object.keys(config).length > 0 ? { config } : {}),
    ...(references && references.length > 0 ? { references: references.map(withoutEmptyOutputs) } : {}),
    ...(source ? { source } : {}),
    ...(project ? { project } : {}),
    ...(allowedNamespaces && allowedNamespaces.length > 0 ? { allowedNamespaces } : {}),
  }
}

/** `sha256:…` over the canonical form; the order of references, of their outputs and of namespaces has no meaning. */
export const hashOf = (wanted: Wanted): string => {
  const ordered = {
    ...wanted,
    references: wanted.references
      ?.map((reference) => ({ ...reference, outputs: reference.outputs?.toSorted() }))
      .toSorted((a, b) => compare(a.name, b.name) || compare(a.component, b.component)),
    allowedNamespaces: wanted.allowedNamespaces?.toSorted(),
  }
  return `sha256:${hash('sha256', canonical(ordered))}`
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const withoutEmptyOutputs = (reference: Reference): Reference => {
  if (reference.outputs === undefined || reference.outputs.length > 0) return reference
  const { outputs: _, ...rest } = reference
  return rest
}
