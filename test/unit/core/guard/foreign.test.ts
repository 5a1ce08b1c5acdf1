import assert from 'node:assert/strict'
import type { Component, ComponentSpec, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { planChange } from '../../../../operator/core/change/plan.ts'
import { driftOf } from '../../../../operator/core/component/drift.ts'
import { idOf } from '../../../../operator/core/component/identity.ts'
import { mayRefer, refersTo } from '../../../../operator/core/component/reference.ts'
import { unresolvedOf } from '../../../../operator/core/component/resolution.ts'
import { declared } from '../../../../operator/core/guard/declared.ts'
import { missingReference } from '../../../../operator/core/guard/missing-reference.ts'
import { outputInUse } from '../../../../operator/core/guard/output-in-use.ts'
import { outputsUnavailable } from '../../../../operator/core/guard/outputs-unavailable.ts'
import { aChangeRequest, aComponent, aComponentType, aWorld } from '../../../support/builders.ts'
import { aChange, aCreation, says } from './world.ts'

type Options = Parameters<typeof aComponent>[1]

/** `id` is full. */
const component = (id: string, { metadata, ...options }: NonNullable<Options> = {}) => {
  const [namespace = '', ...rest] = id.split('/')
  return aComponent(rest.join('/'), { ...options, metadata: { namespace, ...metadata } })
}
const to = (name: string, outputs?: string[]): ComponentSpec['references'] & object => [
  { name: 'to', component: name, ...(outputs && { outputs }) },
]

describe('mayRefer', () => {
  const cases: readonly [title: string, from: string, target: string, allowed: string[] | undefined, may: boolean][] = [
    ['its own namespace, which nobody lists', 'dev/web/a', 'dev/bucket/b', undefined, true],
    ['its own namespace, though others are listed', 'dev/web/a', 'dev/bucket/b', ['shop'], true],
    ['another that lists it', 'dev/web/a', 'shared/bucket/b', ['shop', 'dev'], true],
    ['another that lists nobody', 'dev/web/a', 'shared/bucket/b', undefined, false],
    ['another that lists others', 'dev/web/a', 'shared/bucket/b', ['shop'], false],
    ['another whose name begins alike', 'dev/web/a', 'dev2/bucket/b', ['dev2'], false],
    ['another that lists a name which begins alike', 'dev/web/a', 'shared/bucket/b', ['dev2', 'de'], false],
  ]
  for (const [title, from, id, allowedNamespaces, may] of cases) {
    it(title, () => assert.equal(mayRefer(from, { id, allowedNamespaces }), may))
  }

  it('goes by what is committed of the target', () => {
    const web = component('dev/web/a', { references: to('shared/bucket/b') })
    const bucket = (options: Options) => component('shared/bucket/b', options)
    assert.ok(refersTo(web, bucket({ allowedNamespaces: ['dev'] })))
    assert.ok(refersTo(web, bucket({ committed: { allowedNamespaces: ['dev'] } })))
    assert.ok(!refersTo(web, bucket({ allowedNamespaces: ['dev'], committed: { allowedNamespaces: ['shop'] } })))
    assert.ok(!refersTo(web, bucket({ allowedNamespaces: ['dev'], committed: false })))
    assert.ok(!refersTo(component('dev/web/a', { references: to('bucket/b') }), bucket({ allowedNamespaces: ['dev'] })))
  })
})

describe('a reference into another namespace', () => {
  const bucket = (options: Options = {}) => component('shared/bucket/b', { allowedNamespaces: ['dev'], ...options })
  const web = (name = 'shared/bucket/b', outputs?: string[]) =>
    aComponent('web/a', { references: to(name, outputs), committed: false })
  const worldOf = (...components: Component[]) => aWorld({ components })
  const nowhere =
    'MissingReference Reject ForeignReference web/a -> shared/bucket/b: Component web/a: spec.references[to].component: ' +
    'expected a Component that lets namespace dev refer to it (spec.allowedNamespaces), found none named shared/bucket/b'
  says(missingReference, [
    ['that lets it', () => aCreation(worldOf(bucket()), web()), []],
    ['that does not', () => aCreation(worldOf(bucket({ allowedNamespaces: ['shop'] })), web()), [nowhere]],
    [
      'that would let it, and is not committed',
      () => aCreation(worldOf(bucket({ committed: false })), web()),
      [nowhere],
    ],
    ['where there is nothing', () => aCreation(worldOf(), web()), [nowhere]],
    [
      'whose outputs are not its business either',
      () => {
        const types = { bucket: { outputs: [{ name: 'arn' }] } }
        const world = aWorld({ components: [bucket({ allowedNamespaces: [] })], types })
        return aCreation(world, web('shared/bucket/b', ['url']))
      },
      [nowhere],
    ],
  ])
  says(outputsUnavailable, [
    [
      'waits for its outputs',
      () => aCreation(worldOf(bucket({ outputs: { url: 'u' } })), web('shared/bucket/b', ['arn'])),
      [
        'OutputsUnavailable Queue OutputsUnavailable shared/bucket/b -> shared/bucket/b: Component shared/bucket/b: status.outputs: expected arn to be reported (web/a reads it as to), found url',
      ],
    ],
    [
      'does not say what one reports that does not let it',
      () => aCreation(worldOf(bucket({ allowedNamespaces: [] })), web('shared/bucket/b', ['arn'])),
      [],
    ],
  ])

  it('lacks the same, whatever there is', () => {
    const lacks = (target?: Component) =>
      unresolvedOf(web(), (id) => (target && idOf(target) === id ? target : undefined))
    const said = [`reference to: ${nowhere.slice(nowhere.indexOf('expected'))}`]
    assert.deepEqual(lacks(), said)
    assert.deepEqual(lacks(bucket({ allowedNamespaces: [] })), said)
    assert.deepEqual(lacks(bucket()), [])
  })

  const drift = (target: Component, sensitive: boolean) => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder
    const config = { key: '${to.password}' }
    const reader = aComponent('web/a', {
      config,
      references: to('shared/bucket/b'),
      status: { runtime: { config: { key: 'old' } } },
    })
    const type = () => aComponentType('bucket', { outputs: [{ name: 'password', sensitive }] })
    return driftOf(reader, { known: () => target, type })?.message ?? ''
  }
  it('drift says nothing of a secret, and nothing at all of what it may not read', () => {
    const outputs = { password: 'hunter2' }
    assert.match(drift(bucket({ outputs }), false), /expected "hunter2", found "old"/)
    assert.match(drift(bucket({ outputs }), true), /expected "\$\{to.password\}", found another value/)
    assert.match(drift(bucket({ outputs, allowedNamespaces: [] }), false), /found as committed/)
  })
})

describe('a Component that others refer to from abroad', () => {
  const config = { a: 1 }
  const types = { bucket: { outputs: [{ name: 'o', from: ['/a'] }] } }
  const target = aComponent('bucket/b', { config, allowedNamespaces: ['shop', 'web'] })
  const shop = component('shop/cart/c', { references: to('dev/bucket/b') })
  const prod = aComponent('cdn/p', { environment: 'prod', references: to('bucket/b') })
  const stranger = component('evil/cart/c', { references: to('dev/bucket/b') })
  const world = aWorld({ components: [target, shop, prod, stranger], types })

  says(outputInUse, [
    [
      'does not lose the output',
      () => aChange(world, 'bucket/b', {}),
      ['cdn/p', 'shop/cart/c'].map(
        (by) =>
          `OutputInUse Reject OutputInUse ${by}: Component bucket/b: output o would vanish (it is made from /a), but ${by} uses it through its reference to; change ${by} first`,
      ),
    ],
    [
      'is not deleted; who may not refer to it has no say',
      () => ({ ...aChange(world, 'bucket/b', {}), after: null }),
      ['cdn/p', 'shop/cart/c'].map(
        (by) =>
          `OutputInUse Reject OutputInUse ${by}: Component bucket/b: would be deleted, but ${by} refers to it; take that reference away first, or in the same ChangeRequest`,
      ),
    ],
  ])

  const narrowed = (allowedNamespaces: string[] | undefined) => {
    const spec = { ...target.spec, ...(allowedNamespaces && { allowedNamespaces }) }
    if (!allowedNamespaces) delete spec.allowedNamespaces
    const edited = { ...target, spec }
    const request = aChangeRequest({ component: 'bucket/b', origin: 'Edit' })
    const planned = planChange(request, aWorld({ components: [edited, shop, prod, stranger], types }))
    assert.ok(planned.ok)
    return planned.value.verdicts.map(({ reason, object, message }) => `${reason} ${object}: ${message}`)
  }
  const shutOut = (found: string) => [
    `OutputInUse shop/cart/c: Component bucket/b: spec.allowedNamespaces: expected shop in it, as shop/cart/c refers to it, found ${found}; take that reference away first`,
  ]
  it('may be opened to more, and shut to those who do not refer to it', () => {
    assert.deepEqual(narrowed(['shop', 'web', 'more']), [])
    assert.deepEqual(narrowed(['shop']), [])
  })
  it('is not shut to one that refers to it', () => {
    assert.deepEqual(narrowed(['web']), shutOut('web'))
    assert.deepEqual(narrowed(undefined), shutOut('none'))
  })

  const guard = (forEach: 'Dependents' | 'Dependencies', expression: string) => ({ name: 'g', forEach, expression })
  const asked = (forEach: 'Dependents' | 'Dependencies', expression: string, ...components: Component[]) => {
    const secrets = { bucket: { outputs: [{ name: 'open' }, { name: 'secret', sensitive: true }] } }
    const of = aWorld({ components, types: secrets, environment: { guards: [guard(forEach, expression)] } })
    return declared(aChange(of, `${components[0]!.spec.type}/${components[0]!.spec.nickname}`, { x: 1 } as JsonObject))
  }
  it('guards see those who refer to it', () => {
    const running = component('shop/cart/c', { references: to('dev/bucket/b'), state: 'running' })
    const verdicts = asked('Dependents', 'other.runtime.state != "running"', target, running)
    assert.deepEqual(
      verdicts.map(({ object }) => object),
      ['shop/cart/c'],
    )
  })
  it('guards see what it refers to and may, but no secret of another namespace', () => {
    const outputs = { open: 1, secret: 2 }
    const far = (allowedNamespaces: string[]) => component('far/bucket/b', { allowedNamespaces, outputs })
    const reader = aComponent('web/a', { references: to('far/bucket/b') })
    const dependencies = (expression: string, allowed: string[]) =>
      asked('Dependencies', expression, reader, far(allowed))
    assert.equal(dependencies('false', ['dev']).length, 1)
    assert.equal(dependencies('false', ['shop']).length, 0)
    assert.equal(dependencies('"open" in other.outputs', ['dev']).length, 0)
    assert.equal(dependencies('!("secret" in other.outputs)', ['dev']).length, 0)
  })
})
