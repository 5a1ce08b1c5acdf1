import assert from 'node:assert/strict'
import { isLoopback } from '../../../operator/api/loopback.ts'

describe('loopback', () => {
  for (const [url, expected] of [
    ['http://localhost:1', true],
    ['http://127.0.0.1', true],
    ['http://127.1.2.3:80', true],
    ['http://[::1]:1', true],
    // What URL makes of another way to write it.
    ['http://0x7f000001', true],
    ['http://127.0.0.1.example', false],
    ['http://127.example', false],
    ['http://localhost.example', false],
    ['http://10.0.0.1', false],
    ['http://[::2]', false],
  ] as const) {
    it(`${url} is ${expected ? '' : 'not '}on this machine`, () => {
      assert.equal(isLoopback(new URL(url).hostname), expected)
    })
  }
})
