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

/** What stands in `applying`, what there is of it, and whether it has come to pass. */
const cases: readonly [title: string, applying: Applying, found: Stored | undefined, whole: boolean][] = [
  ['a creation that is not committed', 'Creation', { kind: 'Component' }, false],
  ['a creation that is committed', 'Creation', { kind: 'Component', status: { committed: {} } }, true],
  ['a creation of what was deleted since', 'Creation', undefined, true],
  ['a creation of what was created anew since', 'Creation', { kind: 'Component', uid: 'another' }, true],
  ['a removal that is still committed', 'Removal', { kind: 'Component', status: { committed: {} } }, false],
  ['a removal that is not committed any more', 'Removal', { kind: 'Component', status: {} }, true],
  ['a removal of what has gone', 'Removal', undefined, true],
  ['a change on its way', 'ChangeRequest', { kind: 'ChangeRequest', status: { phase: 'Applying' } }, false],
  ['a change that has finished', 'ChangeRequest', { kind: 'ChangeRequest', status: { phase: 'Applied' } }, true],
  ['a change whose request has gone', 'ChangeRequest', undefined, true],
]

describe('an environment is whole', () => {
  const isWhole = (kind: Applying, found: Stored | undefined): boolean => {
    const cacheOf = (of: Stored['kind']) => ({
      get: (key: string) =>
        found?.kind === of && key === 'dev/x' ? { ...found, metadata: { uid: found.uid ?? 'u' } } : undefined,
      onChange: () => () => {},
    })
    const caches = {
      Component: cacheOf('Component'),
      ChangeRequest: cacheOf('ChangeRequest'),
      ComponentType: { onChange: () => () => {} },
    } as unknown as Caches
    const applying = [{ kind, name: 'x', uid: 'u' }]
    const environment = { metadata: { namespace: 'dev', name: 'dev' }, status: { applying } } as Of<'Environment'>
    const unused = undefined as never
    const nothing = { graph: unused, impact: unused, guards: unused, configFaults: unused, clock: unused }
    return makeGather({ caches, ...nothing, graphs: {} as Graphs }).isWhole(environment)
  }

  for (const [title, kind, found, whole] of cases) {
    it(`${whole ? 'with' : 'not with'} ${title}`, () => assert.equal(isWhole(kind, found), whole))
  }
})
