/** A part of the graph, to be drawn. References go from dependent to dependency. */
export interface Drawing {
  readonly title: string
  /** the node that it is about */
  readonly first: string
  readonly nodes: readonly string[]
  readonly references: readonly { readonly from: string; readonly to: string; readonly name: string }[]
}

/** For Graphviz. */
export const dot = ({ title, first, nodes, references }: Drawing): string => {
  const quoted = (text: string): string => JSON.stringify(text)
  return [
    `digraph ${quoted(title)} {`,
    '  rankdir=LR; node [shape=box];',
    ...nodes.map((node) => `  ${quoted(node)}${node === first ? ' [style=bold]' : ''};`),
    ...references.map(({ from, to, name }) => `  ${quoted(from)} -> ${quoted(to)} [label=${quoted(name)}];`),
    '}',
    '',
  ].join('\n')
}

/** For Markdown that draws. */
export const mermaid = ({ title, first, nodes, references }: Drawing): string => {
  const names = new Map(nodes.map((node, i) => [node, `n${i}`]))
  return [
    `---\ntitle: ${JSON.stringify(title)}\n---`,
    'graph LR',
    ...nodes.map((node) => `  ${names.get(node)}["${node}"]`),
    ...references.map(({ from, to, name }) => `  ${names.get(from)} -->|"${name}"| ${names.get(to)}`),
    `  style ${names.get(first)} stroke-width:3px`,
    '',
  ].join('\n')
}
