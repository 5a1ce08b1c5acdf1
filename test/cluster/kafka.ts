import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { mendIdleTimer } from '../../operator/adapters/bus-kafka/idle-timer.ts'
import { type Attached, startAttached } from './attached.ts'
import { freePort } from './free-port.ts'
import { findJars, lastLines, requireJava, type Say, toStandardError } from './jars.ts'
import { makeKeyStore } from './key-store.ts'

const service = { name: 'Apache Kafka', profile: 'kafka' }
const readyMs = 60_000
/** what Kafka 4 needs */
const leastJava = 17

/** A running Apache Kafka broker, its own controller (KRaft), with its log on disk, on the loopback. */
export interface Broker {
  /** 127.0.0.1:port without encryption or authentication, the same after a restart */
  readonly address: string
  readonly port: number
  /** 127.0.0.1:port with TLS and SASL; absent unless asked for */
  readonly secure?: { readonly address: string; readonly ca: string; readonly user: string; readonly password: string }
  readonly pid: () => number
  /** path of its log */
  readonly log: string
  /** SIGKILL; what it has acknowledged is on disk, and `restart` brings it back */
  readonly kill: () => Promise<void>
  /** Such as SIGSTOP and SIGCONT. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** on the same port, with what it had. Resolves when it answers. */
  readonly restart: () => Promise<void>
  /** ends it and removes its folder; may be called twice */
  readonly close: () => Promise<void>
}

/**
 * Starts a broker. Resolves when it answers. Throws an Error of one line that says what to install, or that quotes the
 * broker. If this process dies without `close`, the broker ends and its folder goes all the same (see attached.ts).
 *
 * @param advertised port that clients are told to use instead of the broker's own: of a proxy in front of it
 * @param secure a second listener: TLS, with SCRAM-SHA-512, PLAIN and unsigned OAUTHBEARER tokens
 * @param heap as the JVM's -Xmx takes it
 * @param measured its speed is measured: it takes its time to compile itself
 */
export async function startBroker({
  version = '4.1.1',
  heap = '512m',
  advertised,
  secure = false,
  measured = false,
  settings = {},
  env = process.env,
  say = toStandardError,
}: {
  version?: string
  heap?: string
  advertised?: number
  secure?: boolean
  measured?: boolean
  /** of its server.properties, beside or instead of the usual ones */
  settings?: Readonly<Record<string, string>>
  env?: NodeJS.ProcessEnv
  say?: Say
} = {}): Promise<Broker> {
  const jars = await findKafka({ version, env, say })
  const folder = mkdtempSync(join(tmpdir(), 'karma-kafka-'))
  const log = join(folder, 'broker.log')
  const flags = flagsFor(heap, measured)
  const credentials = secure ? await makeCredentials(folder) : undefined
  let running: Attached | undefined
  const start = async (port: number): Promise<boolean> => {
    const output = openSync(log, 'a')
    const args = [...flags, '-cp', join(jars, '*'), 'kafka.Kafka', join(folder, 'server.properties')]
    running = startAttached({ command: 'java', args, output, env, cwd: folder, removeWithParent: folder })
    closeSync(output)
    return answers({ address: `127.0.0.1:${port}`, broker: running })
  }
  const quoted = (): string => `${service.name} ${version} did not start; the end of its log:\n${lastLines(log, 8)}`
  const kill = async (): Promise<void> => running?.stop('SIGKILL')
  const close = async (): Promise<void> => {
    await kill()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  const prepare = async (): Promise<{ port: number; securePort: number }> => {
    const [port, controllerPort, securePort] = [await freePort(), await freePort(), await freePort()]
    const ports = { port, controllerPort, securePort: secure ? securePort : undefined }
    writeFileSync(join(folder, 'server.properties'), properties({ folder, ...ports, advertised, settings }))
    const scram = credentials
      ? ['--add-scram', `SCRAM-SHA-512=[name=${credentials.user},password=${credentials.password}]`]
      : []
    const format = ['format', '--standalone', '-t', clusterId(), '-c', join(folder, 'server.properties'), ...scram]
    rmSync(join(folder, 'data'), { recursive: true, force: true })
    await promisify(execFile)('java', [...flags, '-cp', join(jars, '*'), 'kafka.tools.StorageTool', ...format], { env })
    return { port, securePort }
  }
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      const { port, securePort } = await prepare()
      // Somebody may take a port before the broker does.
      if (!(await start(port))) {
        if (readFileSync(log, 'utf8').includes('Address already in use')) continue
        throw new Error(quoted())
      }
      return {
        address: `127.0.0.1:${port}`,
        port,
        ...(credentials && { secure: { ...credentials, address: `127.0.0.1:${securePort}` } }),
        pid: () => running?.pid ?? 0,
        log,
        kill,
        signal: (signal) => {
          if (running?.alive()) process.kill(running.pid, signal)
        },
        restart: async () => {
          await kill()
          if (!(await start(port))) throw new Error(quoted())
        },
        close,
      }
    }
    throw new Error(quoted())
  } catch (cause) {
    await close()
    throw cause
  }
}

/** The folder of its jars, which are fetched once: see jars.ts. Throws an Error of one line where no Java can run them. */
export const findKafka = async ({
  version = '4.1.1',
  env = process.env,
  say = toStandardError,
}: {
  version?: string
  env?: NodeJS.ProcessEnv
  say?: Say
} = {}): Promise<string> => {
  await requireJava(service.name, env, leastJava)
  return findJars({ service, version, env, say })
}

/** One of many processes on a small machine, and one that is started often. */
const flagsFor = (heap: string, measured: boolean): string[] => [
  `-Xmx${heap}`,
  // What lives for a minute spends more time on being compiled well than it gains.
  ...(measured ? [] : ['-XX:TieredStopAtLevel=1']),
  '-Xshare:auto',
  '-XX:+UseSerialGC',
  '-XX:-UsePerfData',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]

/** As KRaft writes them: 16 bytes in base64url that do not begin with a dash. */
const clusterId = (): string => `K${randomBytes(16).toString('base64url').slice(1)}`

const properties = ({
  folder,
  port,
  controllerPort,
  securePort,
  advertised,
  settings,
}: {
  folder: string
  port: number
  controllerPort: number
  securePort: number | undefined
  advertised: number | undefined
  settings: Readonly<Record<string, string>>
}): string => {
  const listeners = [`PLAIN://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${controllerPort}`]
  const told = [`PLAIN://127.0.0.1:${advertised ?? port}`]
  if (securePort !== undefined) {
    listeners.push(`SECURE://127.0.0.1:${securePort}`)
    told.push(`SECURE://127.0.0.1:${securePort}`)
  }
  const lines: Readonly<Record<string, string>> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL',
    'inter.broker.listener.name': 'PLAIN',
    listeners: listeners.join(','),
    'advertised.listeners': told.join(','),
    'log.dirs': join(folder, 'data'),
    'num.partitions': '3',
    'default.replication.factor': '1',
    'offsets.topic.replication.factor': '1',
    // Fifty by default, each with files of its own, for a broker that lives for a minute.
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    'log.cleaner.dedupe.buffer.size': '2097152',
    ...(securePort === undefined ? {} : secured(folder)),
    ...settings,
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const secured = (folder: string): Readonly<Record<string, string>> => ({
  'ssl.keystore.type': 'PKCS12',
  'ssl.keystore.location': join(folder, 'broker.p12'),
  'ssl.keystore.password': readFileSync(join(folder, 'password'), 'utf8'),
  'sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN,OAUTHBEARER',
  'listener.name.secure.scram-sha-512.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'listener.name.secure.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_karma="${readFileSync(join(folder, 'password'), 'utf8')}";`,
  // Tokens that nobody signed: what a broker does with those of AWS happens at AWS.
  'listener.name.secure.oauthbearer.sasl.jaas.config':
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="karma";',
  'listener.name.secure.oauthbearer.connections.max.reauth.ms': '15000',
})

/** A key with a certificate of its own, and a password. */
async function makeCredentials(folder: string): Promise<{ ca: string; user: string; password: string }> {
  const password = randomBytes(12).toString('base64url')
  writeFileSync(join(folder, 'password'), password, { mode: 0o600 })
  const ca = await makeKeyStore({ file: join(folder, 'broker.p12'), password })
  return { ca, user: 'karma', password }
}

/** false: the broker has ended, or does not answer in time */
async function answers({ address, broker }: { address: string; broker: Attached }): Promise<boolean> {
  for (const begun = Date.now(); Date.now() - begun < readyMs; await sleep(50)) {
    if (!broker.alive()) return false
    if (await answersOnce(address)) return broker.alive()
  }
  await broker.stop('SIGKILL')
  return false
}

/** Asked where it listens, not where it says that it does: a proxy there may not know its port yet. */
async function answersOnce(address: string): Promise<boolean> {
  mendIdleTimer()
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  const admin = kafka.admin({ retry: { retries: 0 } })
  try {
    // Only the first handshake goes to the broker itself.
    await admin.connect()
    return true
  } catch {
    return false
  } finally {
    await admin.disconnect().catch(() => {})
  }
}
