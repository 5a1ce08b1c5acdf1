import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  derivedLabel,
  derivedName,
  display,
  entityIdOf,
  fullId,
  identityOf,
  idOf,
  idOfName,
  keyOfId,
  nameOfId,
  resolveId,
} from '../../../../operator/core/component/identity.ts'

const letters = 'abcxyz0189'
const word = (inner: string, longest: number) =>
  fc
    .tuple(
      fc.constantFrom(...letters),
      fc.string({ unit: fc.constantFrom(...letters, ...inner), maxLength: longest - 2 }),
      fc.constantFrom(...letters),
    )
    .map((parts) => parts.join(''))
const label = word('-', 63)
const subdomain = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
const identities = fc.record({ namespace: label, type: label, nickname: subdomain }, { noNullPrototype: true })

const withSeed = (property: fc.IProperty<unknown>): number => {
  const seed = Date.now() & 0x7fffffff
  fc.assert(property, { seed, numRuns: 300 })
  return seed
}

describe('component identity', () => {
  it('survives every round trip', () => {
    let dotted = 0
    const seed = withSeed(
      fc.property(identities, (identity) => {
        const id = fullId(identity)
        assert.deepEqual(identityOf(id), { ok: true, value: identity })
        const name = nameOfId(id)
        assert.ok(name.ok)
        assert.deepEqual(keyOfId(id), { ok: true, value: `${name.value.namespace}/${name.value.name}` })
        assert.deepEqual(idOfName(name.value.namespace, name.value.name), { ok: true, value: id })
        assert.deepEqual(resolveId(display(id, identity.namespace), 'elsewhere').ok, true)
        assert.deepEqual(resolveId(display(id, identity.namespace), identity.namespace), { ok: true, value: id })
        assert.deepEqual(resolveId(display(id, 'Elsewhere'), 'Elsewhere'), { ok: true, value: id })
        const metadata = { namespace: identity.namespace, name: name.value.name }
        assert.equal(entityIdOf({ kind: 'Component', metadata }), id)
        assert.equal(idOf({ metadata, spec: identity }), id)
        if (identity.nickname.includes('.')) dotted++
      }) as fc.IProperty<unknown>,
    )
    console.log(`      seed ${seed}: ${dotted} of 300 nicknames had dots`)
    assert.ok(dotted > 0)
  })

  const refused: [string, { readonly ok: boolean }][] = [
    ['identityOf two parts', identityOf('a/b')],
    ['identityOf four parts', identityOf('a/b/c/d')],
    ['identityOf an empty part', identityOf('a//c')],
    ['keyOfId a local id', keyOfId('a/b')],
    ['resolveId one part', resolveId('a', 'dev')],
    ['resolveId an empty part', resolveId('a/', 'dev')],
    ['resolveId four parts', resolveId('a/b/c/d', 'dev')],
    ['idOfName without a dot', idOfName('dev', 'vpc')],
    ['idOfName with nothing before the dot', idOfName('dev', '.vpc')],
    ['idOfName with nothing after the dot', idOfName('dev', 'vpc.')],
  ]
  for (const [name, result] of refused) it(`refuses ${name}`, () => assert.equal(result.ok, false))

  it('says what was expected and found', () => {
    const result = resolveId('bucket', 'dev')
    assert.equal(
      result.ok ? '' : result.failure.message,
      'component: expected type/nickname or namespace/type/nickname, found "bucket"',
    )
  })

  it('does not shorten the id of a namespace that merely begins alike', () => {
    assert.equal(display('dev-2/vpc/main', 'dev'), 'dev-2/vpc/main')
  })

  it('names what is not a Component by its kind', () => {
    const metadata = { namespace: 'dev', name: 'widen' }
    assert.equal(entityIdOf({ kind: 'ChangeRequest', metadata }), 'dev/changerequest/widen')
  })
})

describe('derived names', () => {
  const cases: [string, string][] = [
    [derivedName('widen', 'ab12'), 'widen-ab12'],
    [derivedName('s3-bucket.shared', 'ab12'), 's3-bucket.shared-ab12'],
    [derivedLabel('dev/vpc/main'), `dev-vpc-main-${derivedLabel('dev/vpc/main').slice(-10)}`],
    [derivedName('Dev_x'), `ev-x-${derivedName('Dev_x').slice(-10)}`],
  ]
  for (const [found, expected] of cases) it(`gives ${expected}`, () => assert.equal(found, expected))

  it('fits, is valid, and differs when the parts differ', () => {
    const seen = new Map<string, string>()
    let cut = 0
    const seed = withSeed(
      fc.property(fc.array(fc.oneof(subdomain, fc.string(), word('.-', 300)), { minLength: 1 }), (parts) => {
        const name = derivedName(...parts)
        const forLabel = derivedLabel(...parts)
        assert.match(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
        assert.match(forLabel, /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/)
        assert.ok(name.length <= 253 && forLabel.length <= 63)
        if (name === parts.join('-')) return
        cut++
        const key = parts.join('\n')
        assert.equal(seen.get(name) ?? key, key)
        seen.set(name, key)
      }) as fc.IProperty<unknown>,
    )
    console.log(`      seed ${seed}: ${cut} of 300 were hashed`)
    assert.ok(cut > 0)
  })
})
