/** What became of something between two versions. */
export type Mark = 'added' | 'removed' | 'changed'

/** A part of the graph, to be drawn. References go from dependent to dependency. */
export interface Drawing {
  readonly title: string
  /** the node that it is about */
  readonly first?: string
  readonly nodes: readonly string[]
  readonly references: readonly {
    readonly from: string
    readonly to: string
    readonly name: string
    readonly mark?: Mark | undefined
  }[]
  /** by node */
  readonly marks?: ReadonlyMap<string, Mark>
}

const colours: Readonly<Record<Mark, string>> = { added: 'green', removed: 'red', changed: 'orange' }

/** For Graphviz. */
export const dot = ({ title, first, nodes, references, marks }: Drawing): string => {
  const quoted = (text: string): string => JSON.stringify(text)
  const marked = (mark: Mark | undefined): string[] =>
    mark === undefined ? [] : [`color=${colours[mark]}`, ...(mark === 'removed' ? ['style=dashed'] : [])]
  const attributes = (texts: readonly string[]): string => (texts.length > 0 ? ` [${texts.join(' ')}]` : '')
  return [
    `digraph ${quoted(title)} {`,
    '  rankdir=LR; node [shape=box];',
    ...nodes.map(
      (node) => `  ${quoted(node)}${attributes(node === first ? ['style=bold'] : marked(marks?.get(node)))};`,
    ),
    ...references.map(
      ({ from, to, name, mark }) =>
        `  ${quoted(from)} -> ${quoted(to)}${attributes([`label=${quoted(name)}`, ...marked(mark)])};`,
    ),
    '}',
    '',
  ].join('\n')
}

/** For Markdown that draws. */
export const mermaid = ({ title, first, nodes, references, marks }: Drawing): string => {
  const names = new Map(nodes.map((node, i) => [node, `n${i}`]))
  const stroke = (mark: Mark): string => `stroke:${colours[mark]}${mark === 'removed' ? ',stroke-dasharray:5' : ''}`
  return [
    `---\ntitle: ${JSON.stringify(title)}\n---`,
    'graph LR',
    ...nodes.map((node) => `  ${names.get(node)}["${node}"]`),
    ...references.map(({ from, to, name }) => `  ${names.get(from)} -->|"${name}"| ${names.get(to)}`),
    ...(first === undefined ? [] : [`  style ${names.get(first)} stroke-width:3px`]),
    ...[...(marks ?? [])].map(([node, mark]) => `  style ${names.get(node)} ${stroke(mark)}`),
    ...references.flatMap(({ mark }, i) => (mark ? [`  linkStyle ${i} ${stroke(mark)}`] : [])),
    '',
  ].join('\n')
}
