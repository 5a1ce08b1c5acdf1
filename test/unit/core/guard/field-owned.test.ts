import type { Facts } from '../../../../operator/core/guard/facts.ts'
import { fieldOwned } from '../../../../operator/core/guard/field-owned.ts'
import { aComponent, aWorld } from '../../../support/builders.ts'
import { aChange, aCreation, says } from './world.ts'

describe('guard FieldOwned', () => {
  /** An entry of managedFields. */
  interface Owner {
    readonly manager: string
    readonly operation: 'Apply' | 'Update'
    readonly subresource?: string
    readonly fieldsV1: object
  }
  const argo = (fields: object): Owner => ({
    manager: 'argocd-controller',
    operation: 'Apply',
    fieldsV1: { 'f:metadata': {}, 'f:spec': fields },
  })
  const config = { title: 'a', net: { cidr: 'x', tags: { a: 1 } }, list: [1] }
  const inGit = argo({
    'f:config': { 'f:title': {}, 'f:net': { '.': {}, 'f:cidr': {} }, 'f:list': {} },
    'f:references': { 'k:{"name":"b"}': { '.': {}, 'f:name': {}, 'f:component': {} } },
  })
  const change = (after: object, owner: Owner = inGit, environment = {}): Facts =>
    aChange(
      aWorld({
        components: [aComponent('site/main', { config, metadata: { managedFields: [owner] } as never })],
        environment,
      }),
      'site/main',
      { ...config, ...after } as never,
    )
  const said = (what: string, manager = 'argocd-controller'): string =>
    `FieldOwned Reject FieldOwned site/main: Component site/main: expected what no Git manager owns, found ${what} managed by ${manager}; change it in Git`

  says(fieldOwned, [
    ['a field of Git', () => change({ title: 'b' }), [said('/title')]],
    ['one inside a map of Git', () => change({ net: { ...config.net, cidr: 'y' } }), [said('/net/cidr')]],
    ['a list of Git', () => change({ list: [1, 2] }), [said('/list')]],
    ['a map of which Git owns a part goes', () => change({ net: 1 }), [said('/net')]],
    ['a key that others put into a map of Git', () => change({ net: { ...config.net, more: 1 } }), []],
    ['a field that Git does not know', () => change({ colour: 'red' }), []],
    ['one below a value that Git owns whole', () => change({ title: { en: 'x' } }), [said('/title')]],
    [
      'several, and more than are worth naming',
      () => {
        const many = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`f:k${i}`, {}]))
        const after = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`k${i}`, 1]))
        return change(after, argo({ 'f:config': many }))
      },
      [said('/k0, /k1, /k2, /k3, /k4 and 2 more')],
    ],
    ['a reference of Git', () => ({ ...change({}), changedPaths: ['references.b'] }), [said('references.b')]],
    ['another reference', () => ({ ...change({}), changedPaths: ['references.c'] }), []],
    ['the project', () => ({ ...change({}, argo({ 'f:project': {} })), changedPaths: ['project'] }), [said('project')]],
    [
      'the deletion of what is in Git',
      () => ({ ...change({}), after: null, changedPaths: [''] }),
      [said('the Component')],
    ],
    [
      'a manager that the Environment names',
      () => change({ title: 'b' }, { ...inGit, manager: 'flux' }, { gitManagers: ['flux'] }),
      [said('/title', 'flux')],
    ],
    [
      'one that the Environment no longer names, but that applies',
      () => change({ title: 'b' }, inGit, { gitManagers: [] }),
      [
        'FieldOwned Warn FieldOwned site/main: Component site/main: /title managed by argocd-controller: what is applied there next will bring its own value back; change it there too',
      ],
    ],
    [
      'kubectl apply, which remembers',
      () => change({ title: 'b' }, { ...inGit, manager: 'kubectl-client-side-apply', operation: 'Update' }),
      [
        'FieldOwned Warn FieldOwned site/main: Component site/main: /title managed by kubectl-client-side-apply: what is applied there next will bring its own value back; change it there too',
      ],
    ],
    ['Karma itself', () => change({ title: 'b' }, { ...inGit, manager: 'karma' }), []],
    ['what was written through a subresource', () => change({ title: 'b' }, { ...inGit, subresource: 'status' }), []],
    [
      'one that only once wrote it',
      () => change({ title: 'b' }, { ...inGit, manager: 'edit', operation: 'Update' }),
      [],
    ],
    [
      'an edit, which comes from there',
      () => {
        const facts = change({ title: 'b' })
        return { ...facts, request: { ...facts.request!, isEdit: true } }
      },
      [],
    ],
    [
      'a creation',
      () =>
        aCreation(
          aWorld(),
          aComponent('site/main', { committed: false, metadata: { managedFields: [inGit] } as never }),
        ),
      [],
    ],
  ])
})
