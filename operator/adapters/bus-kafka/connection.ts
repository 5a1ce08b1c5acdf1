import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs'
import { registerCodecs } from './codecs.ts'
import { mendIdleTimer } from './idle-timer.ts'

/** Where the brokers are, and who is shown to them. */
export interface KafkaSettings {
  /** HOST:PORT of some of them; they tell of the others */
  readonly brokers: readonly string[]
  /** TLS; `ca`: PEM text of who signed the brokers' certificates, if not one that the system knows */
  readonly tls?: { readonly ca?: string }
  readonly sasl?:
    | { readonly mechanism: PasswordMechanism; readonly username: string; readonly password: string }
    /** of Amazon MSK: tokens signed with the AWS credentials of this process */
    | { readonly mechanism: 'aws-msk-iam'; readonly region: string }
}

export type PasswordMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

/** pino's fits. */
export interface KafkaLog {
  debug(data: object, message: string): void
  info(data: object, message: string): void
  warn(data: object, message: string): void
  error(data: object, message: string): void
}

/**
 * How long one attempt of anything goes on by itself, before its caller decides. Without it an idempotent producer would
 * go on for ever.
 */
const retry = { retries: 4, initialRetryTime: 100, maxRetryTime: 2_000 }

/** `signToken`: of MSK, for a region. */
export const connectKafka = (settings: KafkaSettings, log: KafkaLog, signToken: SignToken = signedByAws): Kafka => {
  registerCodecs()
  mendIdleTimer()
  const config: KafkaConfig = {
    clientId: 'karma',
    brokers: [...settings.brokers],
    connectionTimeout: 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: 15_000,
    retry,
    // What kafkajs calls an error it mostly tries again, and its callers say what became of it.
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, label, log: { message, error, broker, groupId } }) =>
        log.debug({ kafkajs: namespace, level: label, error, broker, groupId }, message),
  }
  if (settings.tls) config.ssl = settings.tls.ca === undefined ? true : { ca: [settings.tls.ca] }
  if (settings.sasl) config.sasl = saslOf(settings.sasl, signToken)
  return new Kafka(config)
}

export type SignToken = (region: string) => Promise<string>

/**
 * Loaded when it is needed first. The signer names the sessions of a role that it assumes always alike: MSK ends a
 * connection that would go on under another name.
 */
const signedByAws: SignToken = async (region) => {
  const { generateAuthToken } = await import('aws-msk-iam-sasl-signer-js')
  try {
    return (await generateAuthToken({ region })).token
  } catch (error) {
    // Its message may have what a credential process printed.
    throw new Error(`no AWS credentials (${error instanceof Error ? error.name : 'unknown error'})`)
  }
}

const saslOf = (sasl: NonNullable<KafkaSettings['sasl']>, signToken: SignToken): SASLOptions => {
  if (sasl.mechanism !== 'aws-msk-iam') {
    const { mechanism, username, password } = sasl
    return { mechanism, username, password } as SASLOptions
  }
  const { region } = sasl
  // A token holds for minutes: kafkajs asks for one at each connection, and again before the broker wants it.
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await signToken(region) }) }
}
