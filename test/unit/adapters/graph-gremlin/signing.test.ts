import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { problemOf } from '../../../../operator/adapters/graph-gremlin/failure.ts'
import { type AwsCredentials, makeSigner } from '../../../../operator/adapters/graph-gremlin/signing.ts'

const now = Date.UTC(2026, 0, 2, 3, 4, 5)
const permanent: AwsCredentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const temporary = { ...permanent, sessionToken: 'a/session+token==' }

/** The signature as the specification of Signature Version 4 has it, step by step. */
const expected = (path: string, host: string, { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials) => {
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const names = ['host', 'x-amz-date', ...(sessionToken === undefined ? [] : ['x-amz-security-token'])].join(';')
  const headers = [`host:${host}`, 'x-amz-date:20260102T030405Z']
  if (sessionToken !== undefined) headers.push(`x-amz-security-token:${sessionToken}`)
  const canonical = ['GET', path, '', ...headers, '', names, hash('')].join('\n')
  const scope = '20260102/eu-west-1/neptune-db/aws4_request'
  const text = ['AWS4-HMAC-SHA256', '20260102T030405Z', scope, hash(canonical)].join('\n')
  const key = ['20260102', 'eu-west-1', 'neptune-db', 'aws4_request'].reduce(hmac, `AWS4${secretAccessKey}` as never)
  const signature = hmac(key, text).toString('hex')
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
}

const signerWith = (...identities: (AwsCredentials | Error)[]) => {
  let made = 0
  const signer = makeSigner({
    region: 'eu-west-1',
    now: () => now,
    makeProvider: async () => {
      const identity = identities[Math.min(made++, identities.length - 1)]!
      return async () => {
        if (identity instanceof Error) throw identity
        return identity
      }
    },
  })
  return { signer, made: () => made }
}

const unexpected = (): never => assert.fail('expected a rejection')

describe('the signature of a request to Neptune', () => {
  const cases: [string, string, string, string, AwsCredentials][] = [
    ['a handshake', 'wss://c.cluster-x.eu-west-1.neptune.amazonaws.com:8182/gremlin', '/gremlin', ':8182', permanent],
    [
      'with a session',
      'wss://c.cluster-x.eu-west-1.neptune.amazonaws.com:8182/gremlin',
      '/gremlin',
      ':8182',
      temporary,
    ],
    ['the status', 'https://c.cluster-x.eu-west-1.neptune.amazonaws.com:8182/status', '/status', ':8182', temporary],
    [
      "the scheme's own port",
      'wss://c.cluster-x.eu-west-1.neptune.amazonaws.com:443/gremlin',
      '/gremlin',
      '',
      permanent,
    ],
  ]
  for (const [name, url, path, port, identity] of cases) {
    it(`${name} is signed as the specification says`, async () => {
      const { signer } = signerWith(identity)
      const host = `c.cluster-x.eu-west-1.neptune.amazonaws.com${port}`
      const headers = await signer.headers(new URL(url))
      assert.equal(headers.authorization, expected(path, host, identity))
      assert.equal(headers.host, host)
      assert.equal(headers['x-amz-date'], '20260102T030405Z')
      assert.equal(headers['x-amz-security-token'], identity.sessionToken)
    })
  }

  it('keeps the chain of providers until its credentials were refused', async () => {
    const { signer, made } = signerWith(permanent, { ...permanent, accessKeyId: 'NEXT' })
    const url = new URL('wss://h:8182/gremlin')
    await signer.headers(url)
    assert.match((await signer.headers(url)).authorization!, /Credential=AKIDEXAMPLE/)
    assert.equal(made(), 1)
    signer.forget()
    assert.match((await signer.headers(url)).authorization!, /Credential=NEXT/)
  })

  it('says that there are no credentials, and not what was printed about them', async () => {
    const error = Object.assign(new Error(`exit 1: ${permanent.secretAccessKey}`), { name: 'CredentialsProviderError' })
    const { signer } = signerWith(error, permanent)
    const url = new URL('wss://h:8182/gremlin')
    const found = await signer.headers(url).then(unexpected, (thrown: unknown) => problemOf(thrown, false))
    assert.deepEqual(found, {
      kind: 'Denied',
      text: 'no AWS credentials (CredentialsProviderError)',
      mayBeDone: false,
    })
    assert.match((await signer.headers(url)).authorization!, /AKIDEXAMPLE/, 'the next time they are looked for again')
  })
})
