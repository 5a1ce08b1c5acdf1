import { errorOf } from './failure.ts'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

export type AwsCredentialsProvider = () => Promise<AwsCredentials>

/** Headers by which AWS knows who asks; good for five minutes, so they are made for each request anew. */
export interface Signer {
  /** Of a GET. Rejects as `Denied` where there are no credentials. */
  headers(url: URL): Promise<Record<string, string>>
  /** The credentials were refused: the next ones are looked for from the start. */
  forget(): void
}

export interface SigningOptions {
  readonly region: string
  /** wall time in epoch milliseconds */
  readonly now: () => number
  /** default: the AWS default provider chain, which gets new ones before they expire */
  readonly makeProvider?: () => Promise<AwsCredentialsProvider>
}

const defaultChain = async (): Promise<AwsCredentialsProvider> => {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  return defaultProvider()
}

/** AWS Signature Version 4 for Neptune. What it signs with is loaded when it is needed first. */
export const makeSigner = ({ region, now, makeProvider = defaultChain }: SigningOptions): Signer => {
  let provider: Promise<AwsCredentialsProvider> | undefined

  const credentials = async (): Promise<AwsCredentials> => {
    try {
      provider ??= makeProvider()
      return await (await provider)()
    } catch (error) {
      provider = undefined
      // Its message may have what a credential process printed.
      throw errorOf('Denied', `no AWS credentials (${error instanceof Error ? error.name : 'unknown error'})`)
    }
  }

  return {
    async headers(url) {
      const [{ SignatureV4 }, { Sha256 }, identity] = await Promise.all([
        import('@smithy/signature-v4'),
        import('@aws-crypto/sha256-js'),
        credentials(),
      ])
      const signature = new SignatureV4({
        service: 'neptune-db',
        region,
        sha256: Sha256,
        credentials: identity,
        // There is no body, whose checksum would be one more header.
        applyChecksum: false,
      })
      const signed = await signature.sign(
        {
          method: 'GET',
          protocol: 'https:',
          hostname: url.hostname,
          path: url.pathname,
          // With the port unless that is the scheme's own, as it will be sent.
          headers: { host: url.host },
        },
        { signingDate: new Date(now()) },
      )
      return signed.headers
    },
    forget() {
      provider = undefined
    },
  }
}
