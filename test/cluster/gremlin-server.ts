import { randomUUID } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import gremlin from 'gremlin'
import { freePort } from './free-port.ts'
import { type JavaProcess, jvmFlags, startJavaProcess } from './java-process.ts'
import { makeKeyStore } from './key-store.ts'
import { findService, type Installed, type Sought } from './shared-classes.ts'

const service = { name: 'Gremlin Server', profile: 'gremlin-server' }
/** of Neptune 1.3 and 1.4 */
export const olderTinkerPop = '3.7.4'

/** A running Apache TinkerPop Gremlin Server with an empty graph in memory, on the loopback. */
export interface GremlinServer extends JavaProcess {
  /** ws://127.0.0.1:port/gremlin, or wss:, the same after a restart, by which the graph is empty */
  readonly url: string
  readonly port: number
  /** its certificate, as PEM, where it speaks TLS */
  readonly ca?: string
}

/**
 * Starts a Gremlin Server that behaves as Neptune does where TinkerGraph by default does not: vertex properties are sets
 * unless told otherwise, elements come back as references, and a request is a transaction. Resolves when it answers.
 * Throws an Error of one line that says what to install, or that quotes the server. If this process dies without
 * `close`, the server ends and its folder goes all the same (see attached.ts).
 *
 * @param version of TinkerPop
 * @param heap as the JVM's -Xmx takes it
 * @param secure it speaks TLS, with a certificate of its own
 * @param measured its speed is measured: it takes its time to compile itself
 */
export async function startGremlinServer(options: Options = {}): Promise<GremlinServer> {
  return run(await findGremlinServer(options), options)
}

interface Options extends Sought {
  readonly heap?: string
  readonly secure?: boolean
  readonly measured?: boolean
}

const newest = '3.8.0'

async function run(
  { jars, flags }: Installed,
  { version = newest, heap = '512m', secure = false, measured = false, env = process.env }: Options,
): Promise<GremlinServer> {
  const folder = mkdtempSync(join(tmpdir(), 'karma-gremlin-'))
  const keys = secure ? await makeKeys(folder) : undefined
  const urlOf = (port: number): string => `${keys ? 'wss' : 'ws'}://127.0.0.1:${port}/gremlin`
  const { prepared: port, ...server } = await startJavaProcess({
    name: `${service.name} ${version}`,
    folder,
    jars,
    flags: [...jvmFlags(heap, measured), ...flags],
    program: ['org.apache.tinkerpop.gremlin.server.GremlinServer', join(folder, 'server.yaml')],
    env,
    prepare: async () => {
      const free = await freePort()
      writeConfiguration({ folder, port: free, keys })
      return free
    },
    answers: (at) => answersOnce(urlOf(at), keys?.ca),
  })
  return { ...server, url: urlOf(port), port, ...(keys && { ca: keys.ca }) }
}

interface Keys {
  /** PKCS12 */
  readonly file: string
  readonly password: string
  readonly ca: string
}

async function makeKeys(folder: string): Promise<Keys> {
  const [file, password] = [join(folder, 'server.p12'), randomUUID()]
  return { file, password, ca: await makeKeyStore({ file, password }) }
}

interface Configured {
  readonly folder: string
  readonly port: number
  readonly keys: Keys | undefined
}

function writeConfiguration({ folder, port, keys }: Configured): void {
  const files: Readonly<Record<string, string>> = {
    'server.yaml': serverConfiguration({ folder, port, keys }),
    'graph.properties': graphConfiguration,
    'init.groovy': initialisation,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

/** JSON is YAML. Paths are the only thing in it that is not known here. */
const serverConfiguration = ({ folder, port, keys }: Configured): string =>
  JSON.stringify({
    host: '127.0.0.1',
    port,
    ...(keys && {
      ssl: { enabled: true, keyStore: keys.file, keyStorePassword: keys.password, keyStoreType: 'PKCS12' },
    }),
    evaluationTimeout: 30_000,
    // A write of 1,500 steps with long values, the most that Neptune takes.
    maxContentLength: 64 * 1024 * 1024,
    channelizer: 'org.apache.tinkerpop.gremlin.server.channel.WebSocketChannelizer',
    graphs: { graph: join(folder, 'graph.properties') },
    scriptEngines: {
      'gremlin-groovy': {
        plugins: {
          'org.apache.tinkerpop.gremlin.server.jsr223.GremlinServerGremlinPlugin': {},
          'org.apache.tinkerpop.gremlin.tinkergraph.jsr223.TinkerGraphGremlinPlugin': {},
          'org.apache.tinkerpop.gremlin.jsr223.ScriptFileGremlinPlugin': { files: [join(folder, 'init.groovy')] },
        },
      },
    },
    serializers: [
      { className: 'org.apache.tinkerpop.gremlin.util.ser.GraphBinaryMessageSerializerV1' },
      { className: 'org.apache.tinkerpop.gremlin.util.ser.GraphSONMessageSerializerV3' },
    ],
  })

/** STRING would be what Neptune has, but as manager of ids it fails in this graph. */
const graphConfiguration = `
gremlin.graph=org.apache.tinkerpop.gremlin.tinkergraph.structure.TinkerTransactionGraph
gremlin.tinkergraph.vertexIdManager=ANY
gremlin.tinkergraph.edgeIdManager=ANY
gremlin.tinkergraph.defaultVertexPropertyCardinality=set
`

/** No index: once a value has left that of a TinkerTransactionGraph, a request that looks for it is never answered. */
const initialisation = `
[g: traversal().withEmbedded(graph).withStrategies(ReferenceElementStrategy)]
`

async function answersOnce(url: string, ca: string | undefined): Promise<boolean> {
  const client = new gremlin.driver.Client(url, { traversalSource: 'g', ...(ca !== undefined && { ca: [ca] }) })
  const late = setTimeout(() => void client.close(), 10_000)
  try {
    const traversal = new gremlin.structure.Graph().traversal().inject(0).getBytecode()
    await client.submit(traversal, null, { requestId: randomUUID(), evaluationTimeout: 10_000 })
    return true
  } catch {
    return false
  } finally {
    clearTimeout(late)
    await client.close()
  }
}

/** Its jars are fetched once: see jars.ts. Throws an Error of one line where no Java can run them. */
export const findGremlinServer = ({ version = newest, ...sought }: Sought = {}): Promise<Installed> =>
  findService({
    ...sought,
    service,
    least: 11,
    version,
    start: (found) => run(found, { version, ...sought }),
  })
