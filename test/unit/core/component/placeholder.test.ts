// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import { isWholePlaceholder, placeholdersIn, placeholdersOf } from '../../../../operator/core/component/placeholder.ts'

describe('placeholders', () => {
  const cases: [string, string[]][] = [
    ['plain', []],
    ['${bucket.arn}', ['bucket.arn']],
    ['arn:${a.b}/${c.d}:${a.b}', ['a.b', 'c.d', 'a.b']],
    ['$${bucket.arn}', []],
    ['$${x.y} ${bucket.arn}', ['bucket.arn']],
    ['$$${bucket.arn}', []],
    ['${my-bucket.domain_name}', ['my-bucket.domain_name']],
    ['${HOME} ${AWS::Region} ${a.b.c} ${ a.b } ${a.} ${.b} ${a.b', []],
    ['${a.${b.c}}', ['b.c']],
  ]
  for (const [text, names] of cases) {
    it(`finds [${names}] in ${text}`, () => {
      assert.deepEqual(
        placeholdersIn(text).map(({ reference, output }) => `${reference}.${output}`),
        names,
      )
    })
  }

  it('says where, as a JSON pointer, and does not look at keys', () => {
    const config = { '${k.k}': 1, 'a/b': { '~': ['x', '${r.o}'] }, n: null, origin: 'https://${cdn.domain}/${r.o}' }
    assert.deepEqual(placeholdersOf(config), [
      { reference: 'r', output: 'o', pointer: '/a~1b/~0/1' },
      { reference: 'cdn', output: 'domain', pointer: '/origin' },
      { reference: 'r', output: 'o', pointer: '/origin' },
    ])
    assert.deepEqual(placeholdersOf(undefined), [])
  })

  it('knows a string that is nothing but one placeholder', () => {
    assert.ok(isWholePlaceholder('${a.b}'))
    for (const text of ['${a.b}${a.b}', '$${a.b}', ' ${a.b}', 'a']) assert.ok(!isWholePlaceholder(text))
  })
})
