import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import gremlin from 'gremlin'
import { type Attached, startAttached } from './attached.ts'
import { acquireFolderLock } from './folder-lock.ts'
import { freePort } from './free-port.ts'

const pom = join(import.meta.dirname, 'pom.xml')
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'
/** of Neptune 1.3 and 1.4 */
export const olderTinkerPop = '3.7.4'
const readyMs = 60_000

type Say = (line: string) => void
const toStandardError: Say = (line) => process.stderr.write(`${line}\n`)

/** A running Apache TinkerPop Gremlin Server with an empty graph in memory, on the loopback. */
export interface GremlinServer {
  /** ws://127.0.0.1:port/gremlin, the same after a restart */
  readonly url: string
  readonly port: number
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
 * @param measured its speed is measured: it takes its time to compile itself
 */
export async function startGremlinServer({
  version = '3.8.0',
  heap = '512m',
  measured = false,
  env = process.env,
  say = toStandardError,
}: {
  version?: string
  heap?: string
  measured?: boolean
  env?: NodeJS.ProcessEnv
  say?: Say
} = {}): Promise<GremlinServer> {
  const jars = await findGremlinServer({ version, env, say })
  await requireJava(env)
  const folder = mkdtempSync(join(tmpdir(), 'karma-gremlin-'))
  const log = join(folder, 'server.log')
  let running: Attached | undefined
  const startOn = async (port: number): Promise<boolean> => {
    writeConfiguration({ folder, port })
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
    return answers({ url: urlOf(port), server: running })
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
const urlOf = (port: number): string => `ws://127.0.0.1:${port}/gremlin`

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

function writeConfiguration({ folder, port }: { folder: string; port: number }): void {
  const files: Readonly<Record<string, string>> = {
    'server.yaml': serverConfiguration({ folder, port }),
    'graph.properties': graphConfiguration,
    'init.groovy': initialisation,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

/** JSON is YAML. Paths are the only thing in it that is not known here. */
const serverConfiguration = ({ folder, port }: { folder: string; port: number }): string =>
  JSON.stringify({
    host: '127.0.0.1',
    port,
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
async function answers({ url, server }: { url: string; server: Attached }): Promise<boolean> {
  for (const begun = Date.now(); Date.now() - begun < readyMs; await sleep(50)) {
    if (!server.alive()) return false
    if (await answersOnce(url)) return server.alive()
  }
  await server.stop('SIGKILL')
  return false
}

async function answersOnce(url: string): Promise<boolean> {
  const client = new gremlin.driver.Client(url, { traversalSource: 'g' })
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

/**
 * Finds the server's jars in the user's cache folder, where they are fetched once with Maven, and returns their folder.
 * Throws an Error of one line that says what to install.
 *
 * @param say gets a line of progress now and then while something is fetched or waited for
 */
export async function findGremlinServer({
  version = '3.8.0',
  env = process.env,
  say = toStandardError,
}: {
  version?: string
  env?: NodeJS.ProcessEnv
  say?: Say
} = {}): Promise<string> {
  const key = createHash('sha256').update(readFileSync(pom)).update(`\0${version}`).digest('hex').slice(0, 16)
  const caches = env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(caches, 'karma', 'gremlin-server', key)
  const jars = join(folder, 'jars')
  if (existsSync(jars)) return jars
  mkdirSync(folder, { recursive: true })
  const doing = 'fetching Gremlin Server'
  const release = await acquireFolderLock({ folder, doing, say, needless: () => existsSync(jars) })
  try {
    if (!existsSync(jars)) await fetchJars({ version, folder, jars, env, say })
  } finally {
    release()
  }
  return jars
}

async function fetchJars({
  version,
  folder,
  jars,
  env,
  say,
}: {
  version: string
  folder: string
  jars: string
  env: NodeJS.ProcessEnv
  say: Say
}): Promise<void> {
  // Maven says itself when it finds no Java, but not in one line.
  await requireJava(env)
  await requireMaven(env)
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.')) rmSync(join(folder, name), { recursive: true, force: true })
  }
  const what = `Gremlin Server ${version}`
  const unfinished = join(folder, `.jars.${process.pid}`)
  const logPath = join(folder, 'fetch.log')
  const log = openSync(logPath, 'w')
  const begun = Date.now()
  const seconds = (): string => `${Math.round((Date.now() - begun) / 1000)} s`
  say(`the jars of ${what} are fetched once, with Maven, into ${folder}`)
  const progress = setInterval(() => say(`fetching ${what}, ${seconds()} so far`), 15_000)
  const goal = [`${plugin}:copy-dependencies`, `-DoutputDirectory=${unfinished}`, '-DincludeScope=runtime']
  try {
    const args = ['-q', '-B', '-f', pom, `-Dtinkerpop=${version}`, ...goal]
    const maven = startAttached({ command: 'mvn', args, cwd: folder, env, output: log })
    const code = await maven.ended
    if (code !== 0) throw new Error(`fetching ${what} failed: ${mavenError(logPath)}; all of it is in ${logPath}`)
    // The folder is there whole or not at all.
    renameSync(unfinished, jars)
    rmSync(logPath, { force: true })
  } finally {
    clearInterval(progress)
    closeSync(log)
    rmSync(unfinished, { recursive: true, force: true })
  }
}

async function requireJava(env: NodeJS.ProcessEnv): Promise<void> {
  const found = await whatSays('java', ['-version'], env)
  // 1.8 is what Java 8 calls itself.
  if (Number(/version "(\d+)/.exec(found)?.[1] ?? 0) >= 11) return
  throw new Error(
    `Java 11 or newer is needed to run Gremlin Server (https://adoptium.net), found: ${firstLine(found)}; install a JDK`,
  )
}

async function requireMaven(env: NodeJS.ProcessEnv): Promise<void> {
  const found = await whatSays('mvn', ['-B', '--version'], env)
  if (found.includes('Apache Maven')) return
  throw new Error(
    `Maven is needed to fetch Gremlin Server (https://maven.apache.org/install.html), found: ${firstLine(found)}; install it`,
  )
}

/** What a program says of itself, on either output, or why it could not be asked. */
async function whatSays(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, [...args], { env })
    return `${stdout}${stderr}`
  } catch (cause) {
    const { code, stderr } = cause as { code?: string | number; stderr?: string }
    return code === 'ENOENT' ? `no \`${command}\` on the PATH` : stderr || String(cause)
  }
}

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? ''

/** Maven explains itself after the error, and colours the line's beginning. */
const mavenError = (path: string): string =>
  /\[ERROR\] (.+)/.exec(readFileSync(path, 'utf8'))?.[1]?.trim() ?? lastLines(path, 1)

/** Of those that say something: a trace's frames are indented. */
const lastLines = (path: string, count: number): string =>
  readFileSync(path, 'utf8')
    .match(/^\S.*$/gm)
    ?.slice(-count)
    .join('\n') ?? 'it said nothing'
