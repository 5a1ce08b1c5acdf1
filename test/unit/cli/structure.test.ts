import assert from 'node:assert/strict'
import { faultMessage } from '../../../operator/api/free-form.ts'
import { type Schema, structuralFaults } from '../../../operator/cli/structure.ts'

const schema: Schema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['component'],
      properties: {
        component: { type: 'string', minLength: 3, maxLength: 9 },
        mode: { type: 'string', enum: ['Apply', 'Plan'] },
        cancel: { type: 'boolean' },
        seconds: { type: 'integer', minimum: 1, maximum: 60 },
        remove: { type: 'array', maxItems: 2, items: { type: 'string', minLength: 1 } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
    metadata: { type: 'object' },
  },
}

describe('what the API server would refuse', () => {
  const fine: [title: string, spec: object][] = [
    ['all fields', { component: 'a/b', mode: 'Plan', cancel: true, seconds: 60, remove: ['/a'] }],
    ['anything where anything goes', { component: 'a/b', free: { x: { y: [null] } }, labels: { a: 'b' } }],
    ['characters, not UTF-16 units', { component: '😀😀😀😀😀😀😀😀😀' }],
  ]
  for (const [title, spec] of fine) {
    it(`not: ${title}`, () => assert.deepEqual(structuralFaults(schema, { spec, metadata: { any: 1 } }, ''), []))
  }

  const faults: [spec: unknown, message: string][] = [
    [undefined, 'x: spec: expected an object, found nothing'],
    ['text', 'x: spec: expected an object, found "text"'],
    [{}, 'x: spec.component: expected a value, found nothing'],
    [{ component: 1 }, 'x: spec.component: expected a string, found 1'],
    [{ component: 'ab' }, 'x: spec.component: expected at least 3 characters, found "ab"'],
    [{ component: 'abcdefghij' }, 'x: spec.component: expected at most 9 characters, found "abcdefghij"'],
    [{ component: 'a/b', mode: 'plan' }, 'x: spec.mode: expected Apply or Plan, found "plan"'],
    [{ component: 'a/b', cancel: 'yes' }, 'x: spec.cancel: expected true or false, found "yes"'],
    [{ component: 'a/b', seconds: 0 }, 'x: spec.seconds: expected at least 1, found 0'],
    [{ component: 'a/b', seconds: 1.5 }, 'x: spec.seconds: expected a whole number, found 1.5'],
    [{ component: 'a/b', remove: ['a', 'b', 'c'] }, 'x: spec.remove: expected at most 2 entries, found a list of 3'],
    [{ component: 'a/b', remove: [''] }, 'x: spec.remove[0]: expected at least 1 characters, found ""'],
    [{ component: 'a/b', labels: { a: 1 } }, 'x: spec.labels.a: expected a string, found 1'],
    [
      { component: 'a/b', Mode: 'Plan' },
      'x: spec.Mode: expected one of component, mode, cancel, seconds, remove, free, labels, found a field of another name',
    ],
    [
      { component: 'a/b', constructor: 1 },
      'x: spec.constructor: expected one of component, mode, cancel, seconds, remove, free, labels, found a field of another name',
    ],
  ]
  for (const [spec, message] of faults) {
    it(message, () => {
      const [first, ...others] = structuralFaults(schema, { spec }, '')
      assert.equal(first && faultMessage('x', first), message)
      assert.deepEqual(others, [])
    })
  }
})
