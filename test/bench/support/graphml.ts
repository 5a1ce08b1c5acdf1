import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { edgeId, namesText, open } from '../../../operator/adapters/graph-gremlin/model.ts'
import { idOf, type References, vertices } from './graphs.ts'

/*
 * A graph as GraphML, with the Components and references that a graph store would have written as version 1: a server
 * reads so many from a file in less time than it takes them by requests.
 */

const properties = { name: 'string', index: 'int', since: 'int', until: 'int', uses: 'string', feeds: 'string' }

const key = (id: string, of: 'node' | 'edge', type = 'string'): string =>
  `<key id="${id}" for="${of}" attr.name="${id}" attr.type="${type}"/>`

const head = `<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
${key('labelV', 'node')}${key('labelE', 'edge')}
${Object.entries(properties).map(([name, type]) => key(name, 'edge', type))}
<graph id="G" edgedefault="directed">
`

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')

const datum = (name: string, value: string | number): string => `<data key="${name}">${escaped(String(value))}</data>`

export async function writeGraphml(path: string, environment: string, references: References): Promise<void> {
  const file = createWriteStream(path)
  const write = async (text: string): Promise<void> => {
    if (!file.write(text)) await once(file, 'drain')
  }
  await write(head)
  for (let n = 0; n < references.components; n++)
    await write(`<node id="${idOf(n)}">${datum('labelV', 'Component')}</node>\n`)
  for (const { id, edges } of committed(references)) {
    const lines = edges.map(({ name, to, uses, feeds }, index) => {
      const values = { name, index, since: 1, until: open, uses: namesText(uses), feeds: namesText(feeds) }
      const data = Object.entries(values).map(([what, value]) => datum(what, value))
      return `<edge id="${edgeId(environment, id, index, 1)}" source="${id}" target="${to}">${datum('labelE', 'REF')}${data.join('')}</edge>\n`
    })
    await write(lines.join(''))
  }
  file.end('</graph></graphml>\n')
  await once(file, 'close')
}

function* committed(references: References) {
  for (const vertex of vertices(references, { fed: false })) if (!vertex.removed) yield vertex
}
