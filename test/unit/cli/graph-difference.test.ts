import assert from 'node:assert/strict'
import { differencesOf } from '../../../operator/cli/graph-difference.ts'
import { authorsAmong } from '../../../operator/cli/graph-names.ts'
import type { GraphChange, VertexState } from '../../../operator/ports/graph.ts'
import { aChangeRequest, aComponent } from '../../support/builders.ts'

describe('kubectl karma graph: differences', () => {
  const state = (id: string, ...to: string[]): VertexState => ({
    id,
    type: 'x',
    edges: to.map((one, i) => ({ name: `r${i}`, to: one })),
  })
  const gone = (id: string): VertexState => ({ id, removed: true })
  const change = (version: number, ...steps: [before: VertexState, after: VertexState][]): GraphChange => ({
    version,
    changeId: `c${version}`,
    at: `at ${version}`,
    sum: '',
    epoch: '',
    before: steps.map(([before]) => before),
    after: steps.map(([, after]) => after),
  })
  /** `mark component[.reference] version` */
  const lines = (...changes: GraphChange[]): string[] =>
    differencesOf(changes).map(
      ({ mark, component, before, after, by }) =>
        `${mark} ${component}${before || after ? `.${(after ?? before)!.name}` : ''} ${by.version}`,
    )

  const cases: [title: string, changes: GraphChange[], expected: string[]][] = [
    ['nothing', [], []],
    ['one that came', [change(1, [gone('a'), state('a', 'b')])], ['added a 1', 'added a.r0 1']],
    ['one that went', [change(2, [state('a', 'b'), gone('a')])], ['removed a 2', 'removed a.r0 2']],
    ['one that came and went', [change(1, [gone('a'), state('a')]), change(2, [state('a'), gone('a')])], []],
    [
      'one that came, and was changed: who made it, and who made its reference',
      [change(1, [gone('a'), state('a', 'b')]), change(2, [state('a', 'b'), state('a', 'b', 'c')])],
      ['added a 1', 'added a.r0 1', 'added a.r1 2'],
    ],
    ['one that was written, references as they were', [change(3, [state('a', 'b'), state('a', 'b')])], ['changed a 3']],
    [
      'a reference that leads elsewhere, by the last change that made it so',
      [
        change(1, [state('a', 'b'), state('a', 'c')]),
        change(2, [state('a', 'c'), state('a', 'd')]),
        change(3, [state('a', 'd'), state('a', 'd')]),
      ],
      ['changed a 3', 'changed a.r0 2'],
    ],
    [
      'a reference that came and went',
      [change(1, [state('a'), state('a', 'b')]), change(2, [state('a', 'b'), state('a')])],
      ['changed a 2'],
    ],
    [
      'one that went and came back',
      [change(1, [state('a', 'b'), gone('a')]), change(2, [gone('a'), state('a')])],
      ['changed a 2', 'removed a.r0 1'],
    ],
    ['several, sorted', [change(1, [gone('b'), state('b')], [gone('a'), state('a')])], ['added a 1', 'added b 1']],
  ]
  for (const [title, changes, expected] of cases) it(title, () => assert.deepEqual(lines(...changes), expected))
})

describe('kubectl karma graph: who decided a version', () => {
  const image = (component: string) => ({ component, before: '{}', after: '{}' })
  const requests = [
    aChangeRequest({ name: 'one', status: { phase: 'Applied', images: [image('site/main')] } }),
    aChangeRequest({ name: 'two', status: { phase: 'Applied', images: [image('cdn/main')] } }),
  ]
  const authorsOf = authorsAmong({ requests, components: [aComponent('new/main')] })
  const uids = 'uid-new.main,uid-one,uid-two,uid-gone'
  const cases: [title: string, component: string | undefined, expected: (string | undefined)[]][] = [
    ['all of them, those that are gone without a name', undefined, ['new/main', 'one', 'two', undefined]],
    ['of a Component those that wrote it', 'dev/site/main', ['one']],
    ['one that came by itself', 'dev/new/main', ['new/main']],
    ['all where nobody is known to have written it', 'dev/dns/main', ['new/main', 'one', 'two', undefined]],
  ]
  for (const [title, component, expected] of cases) {
    it(title, () => {
      assert.deepEqual(
        authorsOf(uids, component).map(({ name }) => name),
        expected,
      )
    })
  }
  it('nobody: the graph was set right', () => assert.deepEqual(authorsOf(''), []))
})
