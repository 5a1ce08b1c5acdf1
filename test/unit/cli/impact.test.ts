import assert from 'node:assert/strict'
import { parse } from 'yaml'
import type { Component } from '../../../operator/api/kinds.generated.ts'
import type { Parsed } from '../../../operator/api/parse.ts'
import { aComponent, aComponentType } from '../../support/builders.ts'
import { typed } from '../../support/command-line.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

const refersTo = (component: string, name = 'site') => ({ references: [{ name, component }] })

const home: Parsed<Component>[] = [
  aComponent('site/main', { committed: { allowedNamespaces: ['web'] } }),
  aComponent('cdn/main', refersTo('site/main')),
  aComponent('dns/main', refersTo('cdn/main', 'cdn')),
  aComponent('dns/new', { ...refersTo('site/main'), committed: false }),
  aComponent('alone/main'),
]
const guest = aComponent('shop/main', { ...refersTo('dev/site/main'), metadata: { namespace: 'web' } })

const run = (
  args: string[],
  { components = [...home, guest], forbidden = [] as string[], types = [] as object[] } = {},
) => {
  const memory = makeMemoryObjects({ Component: components, ComponentType: types as never })
  const { objects } = memory
  // A right is of a namespace.
  const list: typeof objects.list = (kind, where) =>
    forbidden.includes(`${kind} ${where?.namespace}`)
      ? objects
          .list(kind, { namespace: 'none' })
          .then(() => ({ ok: false, failure: { reason: 'Forbidden', message: 'jo may not', retry: true } }))
      : objects.list(kind, where)
  return typed(['impact', ...args], { session: { objects: { ...objects, list } } })
}

describe('kubectl karma impact', () => {
  it('lists committed dependents, transitively, also in namespaces that are let in', async () => {
    const { code, out, err } = await run(['site/main'])
    assert.deepEqual([code, err], [0, ''])
    assert.equal(
      out,
      [
        'DISTANCE   COMPONENT       ENV',
        '1          cdn/main        dev',
        '1          web/shop/main   dev',
        '2          dns/main        dev',
        '',
      ].join('\n'),
    )
  })

  it('shows the way of each with -o wide', async () => {
    const { out } = await run(['component/site.main', '-o', 'wide'])
    assert.match(out, /^2 +dns\/main +dev +site\/main <-site- cdn\/main <-cdn- dns\/main$/m)
  })

  it('as JSON and YAML', async () => {
    const expected = {
      component: 'cdn/main',
      affectedCount: 1,
      affected: [{ component: 'dns/main', environment: 'dev', distance: 1, path: ['cdn/main', 'dns/main'] }],
    }
    assert.deepEqual(JSON.parse((await run(['cdn/main', '-o', 'json'])).out), expected)
    assert.deepEqual(parse((await run(['cdn/main', '-o', 'yaml'])).out), expected)
  })

  it('as a drawing', async () => {
    assert.equal(
      (await run(['cdn/main', '-o', 'dot'])).out,
      [
        'digraph "impact of cdn/main: 1 Component" {',
        '  rankdir=LR; node [shape=box];',
        '  "cdn/main" [style=bold];',
        '  "dns/main";',
        '  "dns/main" -> "cdn/main" [label="cdn"];',
        '}',
        '',
      ].join('\n'),
    )
    assert.equal(
      (await run(['cdn/main', '-o', 'mermaid'])).out,
      [
        '---',
        'title: "impact of cdn/main: 1 Component"',
        '---',
        'graph LR',
        '  n0["cdn/main"]',
        '  n1["dns/main"]',
        '  n1 -->|"cdn"| n0',
        '  style n0 stroke-width:3px',
        '',
      ].join('\n'),
    )
  })

  it('follows outputs as the operator does', async () => {
    const types = [{ ...aComponentType('cdn', { outputs: [{ name: 'url', from: ['references.other'] }] }), faults: [] }]
    const components = [
      ...home.filter(({ spec }) => spec.type !== 'dns'),
      aComponent('dns/main', { references: [{ name: 'cdn', component: 'cdn/main', outputs: ['url'] }] }),
    ]
    // What the site changes does not come to the output that the DNS zone reads.
    assert.match((await run(['site/main'], { components })).out, /dns\/main/)
    assert.doesNotMatch((await run(['site/main'], { components, types })).out, /dns\/main/)
  })

  it('says when nothing depends on it', async () => {
    assert.deepEqual(await run(['alone/main']), { code: 0, out: '', err: 'nothing depends on alone/main\n' })
  })

  it('says when it is not whole', async () => {
    const { code, out, err } = await run(['site/main', '-o', 'json'], { forbidden: ['Component web'] })
    assert.equal(code, 0)
    assert.equal(err, 'warning: not whole: you may not list components in web\n')
    assert.deepEqual(JSON.parse(out).unread, ['web'])
  })

  const refusals: [args: string[], message: RegExp][] = [
    [
      ['site/none'],
      /Component dev\/site\/none: expected one that is committed, found none of that name \(UnknownComponent\)/,
    ],
    [['dns/new'], /Component dev\/dns\/new: expected one that is committed, found one that has not passed the gate/],
    [['a/b/c/d'], /expected a Component as TYPE\/NICKNAME/],
    [[], /missing required argument 'component'/],
  ]
  for (const [args, message] of refusals) {
    it(`of ${args.join(' ') || 'nothing'} is an error, and 1`, async () => {
      const { code, out, err } = await run(args)
      assert.match(err, message)
      assert.deepEqual([code, out], [1, ''])
    })
  }

  it('of a namespace that may not be read is an error, and 1', async () => {
    const { code, err } = await run(['site/main'], { forbidden: ['Component dev'] })
    assert.deepEqual([code, err], [1, 'error: jo may not (Forbidden)\n'])
  })
})
