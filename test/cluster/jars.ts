import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startAttached } from './attached.ts'
import { acquireFolderLock } from './folder-lock.ts'

const pom = join(import.meta.dirname, 'pom.xml')
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

export type Say = (line: string) => void
export const toStandardError: Say = (line) => process.stderr.write(`${line}\n`)

/** A service that is a Java program. */
export interface JavaService {
  /** for people */
  readonly name: string
  /** of its profile in pom.xml, and of its folder in the cache */
  readonly profile: string
}

interface Wanted {
  readonly service: JavaService
  readonly version: string
  readonly env: NodeJS.ProcessEnv
  readonly say: Say
}

/**
 * Finds the jars of a service in the user's cache folder, where they are fetched once with Maven, and returns their
 * folder. Throws an Error of one line that says what to install.
 *
 * @param say gets a line of progress now and then while something is fetched or waited for
 */
export async function findJars(wanted: Wanted): Promise<string> {
  const { service, version, env, say } = wanted
  const key = createHash('sha256').update(readFileSync(pom)).update(`\0${version}`).digest('hex').slice(0, 16)
  const caches = env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(caches, 'karma', service.profile, key)
  const jars = join(folder, 'jars')
  if (existsSync(jars)) return jars
  mkdirSync(folder, { recursive: true })
  const doing = `fetching ${service.name}`
  const release = await acquireFolderLock({ folder, doing, say, needless: () => existsSync(jars) })
  try {
    if (!existsSync(jars)) await fetchJars(wanted, folder, jars)
  } finally {
    release()
  }
  return jars
}

async function fetchJars({ service, version, env, say }: Wanted, folder: string, jars: string): Promise<void> {
  await requireMaven(service.name, env)
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.')) rmSync(join(folder, name), { recursive: true, force: true })
  }
  const what = `${service.name} ${version}`
  const unfinished = join(folder, `.jars.${process.pid}`)
  const logPath = join(folder, 'fetch.log')
  const log = openSync(logPath, 'w')
  const begun = Date.now()
  const seconds = (): string => `${Math.round((Date.now() - begun) / 1000)} s`
  say(`the jars of ${what} are fetched once, with Maven, into ${folder}`)
  const progress = setInterval(() => say(`fetching ${what}, ${seconds()} so far`), 15_000)
  const goal = [`${plugin}:copy-dependencies`, `-DoutputDirectory=${unfinished}`, '-DincludeScope=runtime']
  try {
    const args = ['-q', '-B', '-f', pom, `-P${service.profile}`, `-Dversion=${version}`, ...goal]
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

/** What `java -version` says: to be asked before anything is fetched, for Maven needs Java too. Throws an Error of one line where there is none, or too old a one. */
export async function requireJava(service: string, env: NodeJS.ProcessEnv, least: number): Promise<string> {
  const found = await whatSays('java', ['-version'], env)
  // 1.8 is what Java 8 calls itself.
  if (Number(/version "(\d+)/.exec(found)?.[1] ?? 0) >= least) return found
  throw new Error(
    `Java ${least} or newer is needed to run ${service} (https://adoptium.net), found: ${firstLine(found)}; install a JDK`,
  )
}

async function requireMaven(service: string, env: NodeJS.ProcessEnv): Promise<void> {
  const found = await whatSays('mvn', ['-B', '--version'], env)
  if (found.includes('Apache Maven')) return
  throw new Error(
    `Maven is needed to fetch ${service} (https://maven.apache.org/install.html), found: ${firstLine(found)}; install it`,
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
export const lastLines = (path: string, count: number): string =>
  readFileSync(path, 'utf8')
    .match(/^\S.*$/gm)
    ?.slice(-count)
    .join('\n') ?? 'it said nothing'
