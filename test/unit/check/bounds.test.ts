import assert from 'node:assert/strict'
import { faultsOf, statusSizeOf } from '../../check/bounds.ts'
import type { Kind, Schema } from '../../check/schema.ts'

const text: Schema = { type: 'string', maxLength: 10, description: 'a text' }
const kind = (properties: Record<string, Schema>, part: 'spec' | 'status' = 'spec'): Kind => ({
  file: 'things.yaml',
  name: 'Thing',
  apiVersion: 'usekarma.dev/v1alpha1',
  schema: {
    type: 'object',
    description: 'A thing.',
    properties: {
      metadata: { type: 'object' },
      [part]: { type: 'object', description: 'a part', properties },
    },
  },
})

describe('bounds of a kind', () => {
  for (const [title, field, ...faults] of [
    ['a bounded text', text],
    ['an enum', { type: 'string', enum: ['A'], description: 'a' }],
    ['a text without a bound', { type: 'string', description: 'a' }, 'expected maxLength or enum, found neither'],
    [
      'a date without a bound',
      { type: 'string', format: 'date-time', description: 'a' },
      'expected maxLength or enum, found neither',
    ],
    ['no description', { type: 'string', maxLength: 1 }, 'expected a description, found none'],
    ['an empty description', { ...text, description: ' ' }, 'expected a description, found none'],
    ['no type', { description: 'a' }, 'expected a type, found none'],
    [
      'a float',
      { type: 'number', description: 'a' },
      'expected an integer or a string, found a number (floats differ by machine)',
    ],
    [
      'an integer without a maximum',
      { type: 'integer', minimum: 0, description: 'a' },
      'expected minimum and maximum, found not both',
    ],
    [
      'an integer that is too large',
      { type: 'integer', minimum: 0, maximum: 2 ** 53, description: 'a' },
      'expected a maximum of at most 2^53 - 1, found 9007199254740992',
    ],
    [
      'a list without bounds',
      { type: 'array', items: text, description: 'a' },
      'expected maxItems, found none',
      'expected x-kubernetes-list-type, found none',
    ],
    [
      'a list of unbounded texts',
      { type: 'array', items: { type: 'string' }, maxItems: 1, 'x-kubernetes-list-type': 'set', description: 'a' },
      'expected maxLength or enum, found neither',
    ],
    [
      'a map without bounds',
      { type: 'object', additionalProperties: text, description: 'a' },
      'expected maxProperties, found none',
    ],
    ['an object of nothing', { type: 'object', description: 'a' }, 'expected properties, found none'],
    [
      'a free-form object',
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, maxProperties: 1, description: 'a' },
      'expected properties, found a free-form object that is not on the list',
    ],
  ] as readonly (readonly [string, Schema, ...string[]])[]) {
    it(`${faults.length === 0 ? 'lets' : 'names'} ${title}${faults.length === 0 ? ' pass' : ''}`, () => {
      const found = faultsOf(kind({ field })).map((fault) =>
        fault.replace(/^things.yaml: Thing.spec.field(\[\])?: /, ''),
      )
      assert.deepEqual(found, faults)
    })
  }

  it('names a map in a status that is not atomic', () => {
    const map: Schema = { type: 'object', additionalProperties: text, maxProperties: 1, description: 'a' }
    assert.deepEqual(faultsOf(kind({ map }, 'status')), [
      'things.yaml: Thing.status.map: expected x-kubernetes-map-type: atomic for a map in a status, found none',
    ])
    assert.deepEqual(faultsOf(kind({ map: { ...map, 'x-kubernetes-map-type': 'atomic' } }, 'status')), [])
  })

  it('adds up the largest status', () => {
    const list: Schema = { type: 'array', maxItems: 2, items: text }
    const largest = { text: 'x'.repeat(10), list: ['x'.repeat(10), 'x'.repeat(10)], flag: false, number: 100 }
    const schema = kind({ text, list, flag: { type: 'boolean' }, number: { type: 'integer', maximum: 100 } }, 'status')
    const { bounds } = statusSizeOf(schema)
    const actual = JSON.stringify(largest).length
    // A comma more for each list and object, as none follows the last entry.
    assert.equal(bounds, actual + 2)
  })

  it('finds no end where there is none', () => {
    assert.equal(statusSizeOf(kind({ text: { type: 'string' } }, 'status')).bounds, Number.POSITIVE_INFINITY)
  })
})
