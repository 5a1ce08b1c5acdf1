import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { mendIdleTimer } from '../../operator/adapters/bus-kafka/idle-timer.ts'
import { freePort } from './free-port.ts'
import { type JavaProcess, jvmFlags, startJavaProcess } from './java-process.ts'
import { makeKeyStore } from './key-store.ts'
import { findService, type Installed, type Sought } from './shared-classes.ts'

const service = { name: 'Apache Kafka', profile: 'kafka' }
/** what Kafka 4 needs */
const leastJava = 17

/** A running Apache Kafka broker, its own controller (KRaft), with its log on disk, on the loopback. */
export interface Broker extends JavaProcess {
  /** 127.0.0.1:port without encryption or authentication, the same after a restart, as is what it has acknowledged */
  readonly address: string
  readonly port: number
  /** 127.0.0.1:port with TLS and SASL; absent unless asked for */
  readonly secure?: { readonly address: string; readonly ca: string; readonly user: string; readonly password: string }
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
export async function startBroker(options: Options = {}): Promise<Broker> {
  return run(await findKafka(options), options)
}

interface Options extends Sought {
  readonly heap?: string
  readonly advertised?: number
  readonly secure?: boolean
  readonly measured?: boolean
  /** of its server.properties, beside or instead of the usual ones */
  readonly settings?: Readonly<Record<string, string>>
}

const newest = '4.1.1'

async function run(
  installed: Installed,
  {
    version = newest,
    heap = '512m',
    advertised,
    secure = false,
    measured = false,
    settings = {},
    env = process.env,
  }: Options,
): Promise<Broker> {
  const { jars } = installed
  const folder = mkdtempSync(join(tmpdir(), 'karma-kafka-'))
  const flags = [...jvmFlags(heap, measured), ...installed.flags]
  const configuration = join(folder, 'server.properties')
  const credentials = secure ? await makeCredentials(folder) : undefined
  const prepare = async (): Promise<{ port: number; securePort: number }> => {
    const [port, controllerPort, securePort] = [await freePort(), await freePort(), await freePort()]
    const ports = { port, controllerPort, securePort: secure ? securePort : undefined }
    writeFileSync(configuration, properties({ folder, ...ports, advertised, settings }))
    const scram = credentials
      ? ['--add-scram', `SCRAM-SHA-512=[name=${credentials.user},password=${credentials.password}]`]
      : []
    const format = ['format', '--standalone', '-t', clusterId(), '-c', configuration, ...scram]
    rmSync(join(folder, 'data'), { recursive: true, force: true })
    await promisify(execFile)('java', [...flags, '-cp', join(jars, '*'), 'kafka.tools.StorageTool', ...format], { env })
    return { port, securePort }
  }
  const { prepared, ...broker } = await startJavaProcess({
    name: `${service.name} ${version}`,
    folder,
    jars,
    flags,
    program: ['kafka.Kafka', configuration],
    env,
    prepare,
    answers: ({ port }) => answersOnce(`127.0.0.1:${port}`),
  })
  const { port, securePort } = prepared
  return {
    ...broker,
    address: `127.0.0.1:${port}`,
    port,
    ...(credentials && { secure: { ...credentials, address: `127.0.0.1:${securePort}` } }),
  }
}

/** Its jars are fetched once: see jars.ts. Throws an Error of one line where no Java can run them. */
export const findKafka = ({ version = newest, ...sought }: Sought = {}): Promise<Installed> =>
  findService({
    ...sought,
    service,
    least: leastJava,
    version,
    start: (found) => run(found, { version, ...sought }),
  })

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
