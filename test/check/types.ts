import type { Kind, Schema } from './schema.ts'

/**
 * The TypeScript names of the shapes that are not a kind's spec or status. `*` stands for any kind. One name may stand
 * at several paths; their shapes must then be the same.
 */
const names: Readonly<Record<string, string>> = {
  '*.status.conditions[]': 'Condition',
  '*.status.history[]': 'HistoryEntry',
  'ChangeApproval.spec.approver': 'Approver',
  'ChangeRequest.spec.changes[]': 'AskedChange',
  'ChangeRequest.spec.changes[].operation': 'Operation',
  'ChangeRequest.spec.changes[].proposedReferences[]': 'ProposedReference',
  'ChangeRequest.spec.operation': 'Operation',
  'ChangeRequest.spec.proposedReferences[]': 'ProposedReference',
  'ChangeRequest.spec.requestedBy': 'Requester',
  'ChangeRequest.status.approvals[]': 'DecidedBy',
  'ChangeRequest.status.images[]': 'Image',
  'ChangeRequest.status.blockedBy[]': 'BlockedBy',
  'ChangeRequest.status.phase': 'Phase',
  'ChangeRequest.status.plan': 'PlanSummary',
  'ChangeRequest.status.plan.verdicts[]': 'VerdictEntry',
  'ChangeRequest.status.plan.verdicts[].verdict': 'Decision',
  'ChangeRequest.status.queue': 'QueuePosition',
  'ChangeRequest.status.writeAhead': 'WriteAhead',
  'ChangeRequest.status.writeAhead.environments[]': 'WriteAheadEnvironment',
  'Component.spec.references[]': 'Reference',
  'Component.spec.source': 'Source',
  'Component.status.applied[]': 'AppliedRequest',
  'Component.status.committed': 'Committed',
  'Component.status.committed.references[]': 'Reference',
  'Component.status.committed.source': 'Source',
  'Component.status.runtime': 'Runtime',
  'ComponentType.spec.guards[]': 'Guard',
  'ComponentType.spec.outputs[]': 'Output',
  'Environment.spec.guards[]': 'Guard',
  'Environment.status.applying[]': 'Applying',
  'Environment.status.prepared': 'Prepared',
  'Environment.status.promised[]': 'Promised',
}

const head = '// Written from crds/*.yaml by `npm run generate`; do not edit.\n'

const tail = `/** The fields of metadata that Karma reads or writes. */
export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  /** of spec; read from managedFields */
  owners?: FieldOwner[]
  annotations?: Record<string, string>
  finalizers?: string[]
}
/** One field manager and what it owns of spec. */
export interface FieldOwner {
  manager: string
  /** whether it applies: what it owns comes back when it is applied again */
  applies: boolean
  /** JSON text of the set of fields (FieldsV1 of KEP-555) below spec */
  fields: string
}
export type Json = null | boolean | number | string | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}
`

/** A declaration that has been written: `shape` is what must be equal where the name is used again. */
interface Declaration {
  readonly name: string
  readonly path: string
  readonly shape: string
  readonly text: string
  readonly limits: Readonly<Record<string, number>>
}

/**
 * TypeScript for the kinds: an interface for each object, a type for each enum that has a name, and `limits`.
 * Throws an Error that names the path when an object has no name, or one name would have two shapes.
 */
export function renderKinds(kinds: readonly Kind[]): string {
  const declarations = new Map<string, Declaration>()
  for (const kind of kinds) declareKind(kind, declarations)
  const all = [...declarations.values()]
  return [head, ...all.map((d) => d.text), tail, renderLimits(all)].join('\n')
}

function declareKind(kind: Kind, declarations: Map<string, Declaration>): void {
  // Reserves the place, so that a kind stands before its parts.
  declarations.set(kind.name, { name: kind.name, path: kind.name, shape: '', text: '', limits: {} })
  const { spec, status } = kind.schema.properties ?? {}
  if (!spec || !status) throw new Error(`${kind.file}: ${kind.name} must have spec and status`)
  const required = kind.schema.required?.includes('spec') ? '' : '?'
  const text = [
    comment(kind.schema.description, ''),
    `export interface ${kind.name} {\n`,
    `  apiVersion: '${kind.apiVersion}'\n  kind: '${kind.name}'\n  metadata: ObjectMeta\n`,
    `  spec${required}: ${typeOf(`${kind.name}.spec`, spec, declarations)}\n`,
    `  status?: ${typeOf(`${kind.name}.status`, status, declarations)}\n}\n`,
  ].join('')
  declarations.set(kind.name, { name: kind.name, path: kind.name, shape: text, text, limits: {} })
}

function typeOf(path: string, schema: Schema, declarations: Map<string, Declaration>): string {
  if (schema.enum) return enumOf(path, schema, declarations)
  switch (schema.type) {
    case 'string':
    case 'boolean':
      return schema.type
    case 'integer':
      return 'number'
    case 'array':
      if (!schema.items) break
      return elementsOf(typeOf(`${path}[]`, schema.items, declarations))
    case 'object':
      if (schema['x-kubernetes-preserve-unknown-fields']) return 'JsonObject'
      if (schema.additionalProperties) {
        return `Record<string, ${typeOf(`${path}{}`, schema.additionalProperties, declarations)}>`
      }
      return declareInterface(path, schema, declarations)
  }
  throw new Error(`${path}: expected a string, boolean, integer, array or object, found ${schema.type}`)
}

const elementsOf = (type: string): string => (type.includes(' ') ? `(${type})[]` : `${type}[]`)

function enumOf(path: string, schema: Schema, declarations: Map<string, Declaration>): string {
  const union = (schema.enum ?? []).map((value) => `'${value}'`).join(' | ')
  const name = nameOf(path)
  if (name === undefined) return union
  const text = `${comment(schema.description, '')}export type ${name} = ${union}\n`
  return declare({ name, path, shape: union, text, limits: {} }, declarations)
}

function declareInterface(path: string, schema: Schema, declarations: Map<string, Declaration>): string {
  const name = nameOf(path)
  if (name === undefined) throw new Error(`${path}: an object without a name; give it one in test/check/types.ts`)
  const shape: string[] = []
  const text = [comment(schema.description, ''), `export interface ${name} {\n`]
  const limits: Record<string, number> = {}
  for (const [field, property] of Object.entries(schema.properties ?? {})) {
    const optional = schema.required?.includes(field) ? '' : '?'
    const line = `  ${field}${optional}: ${typeOf(`${path}.${field}`, property, declarations)}\n`
    shape.push(line)
    text.push(comment(property.description, '  '), line)
    addLimits(field, property, limits)
  }
  text.push('}\n')
  return declare({ name, path, shape: shape.join(''), text: text.join(''), limits }, declarations)
}

function addLimits(field: string, schema: Schema, limits: Record<string, number>): void {
  const limit = schema.maxLength ?? schema.maxItems ?? schema.maxProperties
  if (limit !== undefined) limits[field] = limit
  if (schema.items?.maxLength !== undefined) limits[`${field}[]`] = schema.items.maxLength
}

function declare(declaration: Declaration, declarations: Map<string, Declaration>): string {
  const known = declarations.get(declaration.name)
  if (known === undefined) declarations.set(declaration.name, declaration)
  else if (known.shape !== declaration.shape) {
    throw new Error(
      `${declaration.path} and ${known.path} are both called ${declaration.name} but differ:\n` +
        `${declaration.shape}\nand\n${known.shape}`,
    )
  }
  return declaration.name
}

function nameOf(path: string): string | undefined {
  const [kind, part, ...rest] = path.split('.')
  if (rest.length === 0) return part === 'spec' ? `${kind}Spec` : part === 'status' ? `${kind}Status` : names[path]
  return names[path] ?? names[path.replace(/^[^.]+/, '*')]
}

const comment = (description: string | undefined, indent: string): string => {
  if (description === undefined) return ''
  const text = description.replaceAll('*/', '* /').replace(/\s+/g, ' ').trim()
  if (`${indent}/** ${text} */`.length <= 120) return `${indent}/** ${text} */\n`
  return `${indent}/**\n${wrap(text, 120 - indent.length - 3)
    .map((line) => `${indent} * ${line}\n`)
    .join('')}${indent} */\n`
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}

function renderLimits(declarations: readonly Declaration[]): string {
  const lines = declarations
    .filter(({ limits }) => Object.keys(limits).length > 0)
    .map(({ name, limits }) => {
      const fields = Object.entries(limits).map(([field, limit]) => {
        const key = field.endsWith('[]') ? `'${field}'` : field
        return `    ${key}: ${limit},\n`
      })
      return `  ${name}: {\n${fields.join('')}  },\n`
    })
  const doc =
    'What the API server lets through: characters of a string, entries of a list or map; `field[]` is an element of ' +
    'the list. A status that goes beyond is refused whole (422), so cut what is written.'
  return `${comment(doc, '')}export const limits = {\n${lines.join('')}} as const\n`
}
