import assert from 'node:assert/strict'
import type { Schema } from '../../check/schema.ts'
import { renderKinds } from '../../check/types.ts'

const text: Schema = { type: 'string', maxLength: 10, description: 'A text.' }
const environment = (status: Schema, spec: Schema = { type: 'object', properties: {} }) =>
  renderKinds([
    {
      file: 'environments.yaml',
      name: 'Environment',
      apiVersion: 'usekarma.dev/v1alpha1',
      schema: { type: 'object', description: 'An Environment.', required: ['spec'], properties: { spec, status } },
    },
  ])
const status = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: 'object',
  properties,
  required,
})

describe('types of a kind', () => {
  for (const [title, schema, line] of [
    ['a required text', status({ a: text }, ['a']), '  /** A text. */\n  a: string\n'],
    ['an optional text', status({ a: text }), '  a?: string\n'],
    ['an integer', status({ a: { type: 'integer' } }), '  a?: number\n'],
    ['an enum', status({ a: { type: 'string', enum: ['A', 'B'] } }), "  a?: 'A' | 'B'\n"],
    ['a list of enums', status({ a: { type: 'array', items: { enum: ['A', 'B'] } } }), "  a?: ('A' | 'B')[]\n"],
    [
      'a map',
      status({ a: { type: 'object', additionalProperties: { type: 'integer' } } }),
      '  a?: Record<string, number>\n',
    ],
    [
      'a free-form object',
      status({ a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }),
      '  a?: JsonObject\n',
    ],
    [
      'a shape with a name',
      status({ applying: { type: 'array', items: { type: 'object', properties: { a: text } } } }),
      'export interface Applying {\n  /** A text. */\n  a?: string\n}\n',
    ],
    [
      'its bounds',
      status({ a: { type: 'array', items: text, maxItems: 3 } }),
      "  EnvironmentStatus: {\n    a: 3,\n    'a[]': 10,\n  },\n",
    ],
  ] as readonly (readonly [string, Schema, string])[]) {
    it(`has ${title}`, () => {
      const rendered = environment(schema)
      assert.ok(rendered.includes(line), rendered)
    })
  }

  it('refuses an object without a name', () => {
    const nameless = status({ a: { type: 'object', properties: {} } })
    assert.throws(() => environment(nameless), /^Error: Environment.status.a: an object without a name/)
  })

  it('refuses one name for two shapes', () => {
    const kinds = ['Environment', 'ComponentType'].map((name) => ({
      file: 'a.yaml',
      name,
      apiVersion: 'usekarma.dev/v1alpha1',
      schema: {
        type: 'object',
        properties: {
          spec: status({ guards: { type: 'array', items: status({ [name]: text }) } }),
          status: status({}),
        },
      } as Schema,
    }))
    assert.throws(() => renderKinds(kinds), /are both called Guard but differ/)
  })
})
