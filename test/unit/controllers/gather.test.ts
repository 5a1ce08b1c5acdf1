import assert from 'node:assert/strict'
import { makeGather } from '../../../operator/controllers/gather.ts'
import type { Graphs } from '../../../operator/controllers/graphs.ts'
import type { Caches, Of } from '../../../operator/ports/cluster.ts'

interface Stored {
  readonly kind: 'Component' | 'ChangeRequest'
  readonly uid?: string
  readonly status?: object
}
type Applying = 'Creation' | 'Removal' | 'ChangeRequest'

const committed = { kind: 'Component', status: { committed: { graphVersion: 7 } } } as const
const request = (phase: string, ...images: { component: string; before: string; after: string }[]) =>
  ({ kind: 'ChangeRequest', status: { phase, images } }) as const
const edit = { component: 'site/y', before: '{"a":1}', after: '{"a":2}' }
const removal = { component: 'site/y', before: '{"environment":"dev"}', after: 'null' }
const creation = { component: 'site/y', before: 'null', after: '{"environment":"dev"}' }
const elsewhere = { component: 'site/y', before: 'null', after: '{"environment":"test"}' }
const target = (graphVersion: number | undefined, environment = 'dev') => ({
  spec: { environment },
  status: graphVersion === undefined ? {} : { committed: { graphVersion } },
})

/** What stands in `applying` of version 7, what is known of it, and whether it is known to have come to pass. */
const cases: readonly [title: string, applying: Applying, found: Stored | undefined, whole: boolean, other?: object][] =
  [
    ['a creation that is not committed', 'Creation', { kind: 'Component' }, false],
    ['a creation that is committed', 'Creation', committed, true],
    ['a creation that has gone, or is not known yet', 'Creation', undefined, false],
    ['a creation of whose name another one is known', 'Creation', { ...committed, uid: 'another' }, false],
    ['a removal that is still committed', 'Removal', committed, false],
    ['a removal that is not committed any more', 'Removal', { kind: 'Component', status: {} }, true],
    ['a removal of what has gone', 'Removal', undefined, true],
    ['a removal of whose name another one has come', 'Removal', { kind: 'Component', uid: 'another' }, true],
    ['a removal of whose name another one is committed', 'Removal', { ...committed, uid: 'another' }, false],
    ['a change on its way', 'ChangeRequest', request('Applying'), false],
    ['a change that has gone, or is not known yet', 'ChangeRequest', undefined, false],
    ['a change of whose name another one is known', 'ChangeRequest', { ...request('Applied'), uid: 'another' }, false],
    ['a change that has finished', 'ChangeRequest', request('Applied', edit), true, target(7)],
    ['a change that has finished, and a later one', 'ChangeRequest', request('Applied', edit), true, target(8)],
    [
      'a change that has finished before its Component shows it',
      'ChangeRequest',
      request('Applied', edit),
      false,
      target(6),
    ],
    ['a change that has finished, of a Component that is not known', 'ChangeRequest', request('Applied', edit), false],
    ['a change that removes, and has', 'ChangeRequest', request('Applied', removal), true],
    ['a change that removes, and is not seen to have', 'ChangeRequest', request('Applied', removal), false, target(6)],
    ['a change that makes anew, and has', 'ChangeRequest', request('Applied', creation), true, target(7)],
    ['a change that makes anew, and is not seen to have', 'ChangeRequest', request('Applied', creation), false],
    ['a change that makes anew elsewhere', 'ChangeRequest', request('Applied', elsewhere), true],
    ['a change whose other part is elsewhere', 'ChangeRequest', request('Applied', edit), true, target(2, 'test')],
  ]

describe('an environment is known to be whole', () => {
  const unused = undefined as never
  const nothing = { graph: unused, impact: unused, guards: unused, configFaults: unused, clock: unused }
  const isWhole = (
    status: object,
    known: (kind: Stored['kind'], name: string) => object | undefined,
    reached = '30',
  ): boolean => {
    const cacheOf = (of: Stored['kind']) => ({
      get: (key: string) => known(of, key.slice('dev/'.length)),
      onChange: () => () => {},
      resourceVersion: () => reached,
    })
    const caches = {
      Component: cacheOf('Component'),
      ChangeRequest: cacheOf('ChangeRequest'),
      ComponentType: { onChange: () => () => {} },
    } as unknown as Caches
    const metadata = { namespace: 'dev', name: 'dev', resourceVersion: '40' }
    const environment = { metadata, status: { version: 7, ...status } } as Of<'Environment'>
    return makeGather({ caches, ...nothing, graphs: {} as Graphs }).isWhole(environment)
  }

  for (const [title, kind, found, whole, other] of cases) {
    it(`${whole ? 'with' : 'not with'} ${title}`, () => {
      const known = (of: Stored['kind'], name: string): object | undefined => {
        if (of === 'Component' && name === 'site.y') return other
        if (name !== 'x' || found?.kind !== of) return undefined
        return { ...found, metadata: { uid: found.uid ?? 'u', namespace: 'dev', name: 'x' } }
      }
      assert.equal(isWhole({ applying: [{ kind, name: 'x', uid: 'u' }] }, known), whole)
    })
  }

  const nobody = (): undefined => undefined
  const versions: readonly [title: string, committed: string | undefined, reached: string, whole: boolean][] = [
    ['nothing was ever committed', undefined, '', true],
    ['all that is committed is known', '30', '30', true],
    ['what was committed last is not known', '31', '30', false],
    ['nothing is known', '31', '', false],
    ['that is of another etcd, and would never be reached', '41', '30', true],
  ]
  for (const [title, committedResourceVersion, reached, whole] of versions) {
    it(`${whole ? 'when' : 'not when'} ${title}`, () => {
      const status = { ...(committedResourceVersion !== undefined && { committedResourceVersion }) }
      assert.equal(isWhole(status, nobody, reached), whole)
    })
  }
})
