import { randomUUID } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import gremlin from 'gremlin'
import { type Attached, startAttached } from './attached.ts'
import { freePort } from './free-port.ts'
import { findJars, lastLines, requireJava, type Say, toStandardError } from './jars.ts'
import { makeKeyStore } from './key-store.ts'

const service = { name: 'Gremlin Server', profile: 'gremlin-server' }
/** of Neptune 1.3 and 1.4 */
export const olderTinkerPop = '3.7.4'
const readyMs = 60_000

/** A running Apache TinkerPop Gremlin Server with an empty graph in memory, on the loopback. */
export interface GremlinServer {
  /** ws://127.0.0.1:port/gremlin, or wss:, the same after a restart */
  readonly url: string
  readonly port: number
  /** its certificate, as PEM, where it speaks TLS */
  readonly ca?: string
  /** of what runs now */
  readonly pid: () => number
  /** path of its log */
  readonly log: string
  /** ends it with SIGKILL; `restart` brings it back */
  readonly kill: () => Promise<void>
  /** on the same port; the graph is empty. Resolves when it answers. */
  readonly restart: () => Promise<void>
  /** ends it and removes its folder; may be called twice */
  readonly close: () => Promise<void>
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
export async function startGremlinServer({
  version = '3.8.0',
  heap = '512m',
  secure = false,
  measured = false,
  env = process.env,
  say = toStandardError,
}: {
  version?: string
  heap?: string
  secure?: boolean
  measured?: boolean
  env?: NodeJS.ProcessEnv
  say?: Say
} = {}): Promise<GremlinServer> {
  const jars = await findGremlinServer({ version, env, say })
  const folder = mkdtempSync(join(tmpdir(), 'karma-gremlin-'))
  const log = join(folder, 'server.log')
  const keys = secure ? await makeKeys(folder) : undefined
  const urlOf = (port: number): string => `${keys ? 'wss' : 'ws'}://127.0.0.1:${port}/gremlin`
  let running: Attached | undefined
  const startOn = async (port: number): Promise<boolean> => {
    writeConfiguration({ folder, port, keys })
    const output = openSync(log, 'a')
    running = startAttached({
      command: 'java',
      args: [...flags(heap, measured), '-cp', join(jars, '*'), mainClass, join(folder, 'server.yaml')],
      output,
      env,
      cwd: folder,
      removeWithParent: folder,
    })
    closeSync(output)
    return answers({ url: urlOf(port), ca: keys?.ca, server: running })
  }
  const quoted = (): string => `Gremlin Server ${version} did not start; the end of its log:\n${lastLines(log, 8)}`
  const kill = async (): Promise<void> => running?.stop('SIGKILL')
  const close = async (): Promise<void> => {
    await kill()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const port = await onFreePort(startOn, log)
    if (port === undefined) throw new Error(quoted())
    return {
      url: urlOf(port),
      port,
      ...(keys && { ca: keys.ca }),
      pid: () => running?.pid ?? 0,
      log,
      kill,
      restart: async () => {
        await kill()
        if (!(await startOn(port))) throw new Error(quoted())
      },
      close,
    }
  } catch (cause) {
    await close()
    throw cause
  }
}

const mainClass = 'org.apache.tinkerpop.gremlin.server.GremlinServer'

/** One of many processes on a small machine, and one that is started often. */
const flags = (heap: string, measured: boolean): string[] => [
  `-Xmx${heap}`,
  // What lives for a minute spends more time on being compiled well than it gains.
  ...(measured ? [] : ['-XX:TieredStopAtLevel=1']),
  '-Xshare:auto',
  '-XX:+UseSerialGC',
  '-XX:-UsePerfData',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]

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

/** Somebody may take the port before the server does. */
async function onFreePort(startOn: (port: number) => Promise<boolean>, log: string): Promise<number | undefined> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = await freePort()
    if (await startOn(port)) return port
    if (!readFileSync(log, 'utf8').includes('Address already in use')) break
  }
  return undefined
}

/** false: the server has ended, or does not answer in time */
async function answers({
  url,
  ca,
  server,
}: {
  url: string
  ca: string | undefined
  server: Attached
}): Promise<boolean> {
  for (const begun = Date.now(); Date.now() - begun < readyMs; await sleep(50)) {
    if (!server.alive()) return false
    if (await answersOnce(url, ca)) return server.alive()
  }
  await server.stop('SIGKILL')
  return false
}

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

/** The folder of its jars, which are fetched once: see jars.ts. Throws an Error of one line where no Java can run them. */
export const findGremlinServer = async ({
  version = '3.8.0',
  env = process.env,
  say = toStandardError,
}: {
  version?: string
  env?: NodeJS.ProcessEnv
  say?: Say
} = {}): Promise<string> => {
  await requireJava(service.name, env)
  return findJars({ service, version, env, say })
}
