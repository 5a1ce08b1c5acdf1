import { generateKeyPairSync, sign } from 'node:crypto'

/** PEM of a certificate that vouches for itself, and of its key. */
export interface SelfSigned {
  readonly cert: string
  readonly key: string
}

/** For 127.0.0.1, valid for a day around `now` (epoch milliseconds). Written by hand, as Node signs but issues none. */
export const selfSigned = (now: number): SelfSigned => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(identifier('1.2.840.10045.4.3.2'))
  const name = sequence(tagged(0x31, sequence(identifier('2.5.4.3'), tagged(0x0c, Buffer.from('karma test')))))
  const hours = (count: number): Buffer => {
    const text = new Date(now + count * 3_600_000).toISOString().replace(/[-:T]|\.\d+/g, '')
    return tagged(0x18, Buffer.from(text))
  }
  const extension = (oid: string, ...parts: Buffer[]): Buffer =>
    sequence(identifier(oid), tagged(0x04, sequence(...parts)))
  const extensions = sequence(
    extension('2.5.29.19', tagged(0x01, Buffer.from([0xff]))),
    extension('2.5.29.17', tagged(0x87, Buffer.from([127, 0, 0, 1]))),
  )
  const body = sequence(
    tagged(0xa0, integer(2)),
    integer(1),
    algorithm,
    name,
    sequence(hours(-12), hours(12)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, extensions),
  )
  const signature = tagged(0x03, Buffer.from([0]), sign('sha256', body, { key: privateKey, dsaEncoding: 'der' }))
  const text = sequence(body, algorithm, signature).toString('base64').replace(/.{64}/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const tagged = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Buffer[]): Buffer => tagged(0x30, ...parts)
const integer = (value: number): Buffer => tagged(0x02, Buffer.from([value]))

const identifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

const base128 = (value: number): number[] => {
  const digits = [value & 0x7f]
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
  return digits
}
