import type { KafkaSettings, PasswordMechanism } from './adapters/bus-kafka/connection.ts'
import { isLoopback } from './api/loopback.ts'

/** Where the bus is, if it is Apache Kafka. */
export interface KafkaConfig extends Pick<KafkaSettings, 'brokers' | 'sasl'> {
  /** before the names of topics and groups; may be empty */
  readonly prefix: string
  readonly tls?: { readonly caFile?: string }
}

const passwordMechanisms: readonly PasswordMechanism[] = ['plain', 'scram-sha-256', 'scram-sha-512']
type Sasl = NonNullable<KafkaConfig['sasl']>
type Variables = Readonly<Record<string, string | undefined>>

/** Every fault gets the variable's name, what was expected and what was found. undefined: the bus is in this process. */
export const readKafka = (variables: Variables, faults: string[]): KafkaConfig | undefined => {
  const given = Object.keys(variables).filter((name) => name.startsWith('KARMA_KAFKA_') && variables[name])
  if (given.length === 0) return undefined
  const brokers = brokersOf(variables.KARMA_KAFKA_BROKERS, faults)
  const prefix = variables.KARMA_KAFKA_PREFIX ?? ''
  if (!/^[\w.-]{0,100}$/.test(prefix)) {
    faults.push(
      `KARMA_KAFKA_PREFIX: expected at most 100 letters, digits, dots, dashes and underscores, found ${JSON.stringify(prefix.slice(0, 120))}`,
    )
  }
  const isEncrypted = flag('KARMA_KAFKA_TLS', variables, faults)
  const caFile = variables.KARMA_KAFKA_CA || undefined
  if (caFile !== undefined && !isEncrypted) faults.push('KARMA_KAFKA_CA: expected KARMA_KAFKA_TLS=true beside it')
  const sasl = saslOf(variables, faults)
  if (sasl && !isEncrypted && !isReadable(sasl.mechanism, brokers)) {
    faults.push(
      `KARMA_KAFKA_TLS: expected true with KARMA_KAFKA_SASL=${sasl.mechanism}, found none; what is shown to the brokers could be read on the way`,
    )
  }
  return {
    brokers,
    prefix,
    ...(isEncrypted && { tls: { ...(caFile !== undefined && { caFile }) } }),
    ...(sasl && { sasl }),
  }
}

const brokersOf = (text: string | undefined, faults: string[]): string[] => {
  const brokers = (text ?? '').split(',').map((broker) => broker.trim())
  for (const broker of brokers) {
    const [, port] = /^[\w.:[\]-]+:(\d{1,5})$/.exec(broker) ?? []
    if (port !== undefined && Number(port) > 0 && Number(port) < 65_536) continue
    faults.push(
      `KARMA_KAFKA_BROKERS: expected HOST:PORT, or several with commas between them, found ${JSON.stringify(broker.slice(0, 100))}`,
    )
  }
  return brokers
}

const flag = (name: string, variables: Variables, faults: string[]): boolean => {
  const text = variables[name] || 'false'
  if (text !== 'true' && text !== 'false') faults.push(`${name}: expected true or false, found ${JSON.stringify(text)}`)
  return text === 'true'
}

/** What SCRAM shows is of no use to whoever reads it; nobody reads what stays on this machine. */
const isReadable = (mechanism: Sasl['mechanism'], brokers: readonly string[]): boolean =>
  mechanism.startsWith('scram-') || (mechanism === 'plain' && brokers.every(isOnLoopback))

const isOnLoopback = (broker: string): boolean => isLoopback(broker.slice(0, broker.lastIndexOf(':')))

const saslOf = (variables: Variables, faults: string[]): Sasl | undefined => {
  const { KARMA_KAFKA_USER: username, KARMA_KAFKA_PASSWORD: password, KARMA_KAFKA_REGION: region } = variables
  const mechanism = variables.KARMA_KAFKA_SASL || undefined
  const needs = (name: string, value: string | undefined): string => {
    if (!value) faults.push(`${name}: expected one with KARMA_KAFKA_SASL=${mechanism}, found none`)
    return value ?? ''
  }
  if (mechanism === 'aws-msk-iam') return { mechanism, region: needs('KARMA_KAFKA_REGION', region) }
  const found = passwordMechanisms.find((one) => one === mechanism)
  if (found) {
    return {
      mechanism: found,
      username: needs('KARMA_KAFKA_USER', username),
      password: needs('KARMA_KAFKA_PASSWORD', password),
    }
  }
  const known = [...passwordMechanisms, 'aws-msk-iam'].join(', ')
  if (mechanism !== undefined) {
    faults.push(`KARMA_KAFKA_SASL: expected one of ${known}, found ${JSON.stringify(mechanism.slice(0, 40))}`)
  } else if (username || password || region) {
    faults.push(`KARMA_KAFKA_SASL: expected one of ${known}, as KARMA_KAFKA_USER, _PASSWORD or _REGION is set`)
  }
  return undefined
}
