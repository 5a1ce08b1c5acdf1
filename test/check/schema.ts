import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** The part of an OpenAPI v3 schema that a CustomResourceDefinition may use, as far as it is read here. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean' | 'number'
  readonly description?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly maxLength?: number
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular'
}

export interface Kind {
  /** where it stands, for messages */
  readonly file: string
  readonly name: string
  readonly apiVersion: string
  readonly schema: Schema
}

interface Definition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[]
  }
}

/** The kinds of every `*.yaml` in `folder`, in a fixed order. */
export const readKinds = (folder: string): Kind[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .flatMap((file) => {
      const { spec } = parse(readFileSync(join(folder, file), 'utf8')) as Definition
      return spec.versions.map((version) => ({
        file,
        name: spec.names.kind,
        apiVersion: `${spec.group}/${version.name}`,
        schema: version.schema.openAPIV3Schema,
      }))
    })

/** A schema node: `path` is like `Component.spec.references[].name`; a map's values are `{}`. */
export interface Node {
  readonly path: string
  readonly schema: Schema
  /** whether it is a named field, and not an element of a list or map */
  readonly field: boolean
}

/** All nodes of a kind, parents first. `metadata` is the API server's and left out. */
export function nodesOf(kind: Kind): Node[] {
  const nodes: Node[] = []
  const visit = (path: string, schema: Schema, field: boolean): void => {
    nodes.push({ path, schema, field })
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (`${path}.${name}` !== `${kind.name}.metadata`) visit(`${path}.${name}`, property, true)
    }
    if (schema.items) visit(`${path}[]`, schema.items, false)
    if (schema.additionalProperties) visit(`${path}{}`, schema.additionalProperties, false)
  }
  visit(kind.name, kind.schema, true)
  return nodes
}
