import assert from 'node:assert/strict'
import { type Drawing, dot, mermaid } from '../../../operator/cli/drawing.ts'

describe('kubectl karma graph: drawings of differences', () => {
  const drawing: Drawing = {
    title: 't',
    nodes: ['a', 'b', 'c'],
    references: [
      { from: 'a', to: 'b', name: 'x' },
      { from: 'a', to: 'c', name: 'y', mark: 'removed' },
    ],
    marks: new Map([
      ['a', 'changed'],
      ['b', 'added'],
    ]),
  }

  it('for Graphviz', () => {
    assert.equal(
      dot(drawing),
      [
        'digraph "t" {',
        '  rankdir=LR; node [shape=box];',
        '  "a" [color=orange];',
        '  "b" [color=green];',
        '  "c";',
        '  "a" -> "b" [label="x"];',
        '  "a" -> "c" [label="y" color=red style=dashed];',
        '}',
        '',
      ].join('\n'),
    )
  })

  it('for Markdown', () => {
    assert.equal(
      mermaid(drawing),
      [
        '---\ntitle: "t"\n---',
        'graph LR',
        '  n0["a"]',
        '  n1["b"]',
        '  n2["c"]',
        '  n0 -->|"x"| n1',
        '  n0 -->|"y"| n2',
        '  style n0 stroke:orange',
        '  style n1 stroke:green',
        '  linkStyle 1 stroke:red,stroke-dasharray:5',
        '',
      ].join('\n'),
    )
  })
})
