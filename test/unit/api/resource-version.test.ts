import assert from 'node:assert/strict'
import { isNewer, newestOf } from '../../../operator/api/resource-version.ts'

describe('api/resource-version', () => {
  for (const [a, b, expected] of [
    ['2', '1', true],
    ['1', '2', false],
    ['1', '1', false],
    ['10', '9', true],
    ['9', '10', false],
    // Above what a double holds.
    ['90071992547409931', '90071992547409930', true],
    ['1', '0', true],
  ] as const) {
    it(`${a} is ${expected ? '' : 'not '}newer than ${b}`, () => assert.equal(isNewer(a, b), expected))
  }
  for (const [versions, expected] of [
    [[], '0'],
    [['7'], '7'],
    [['9', '10', '8'], '10'],
  ] as const) {
    it(`the newest of [${versions}] is ${expected}`, () => assert.equal(newestOf(versions), expected))
  }
})
