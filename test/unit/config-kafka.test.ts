import assert from 'node:assert/strict'
import { readKafka } from '../../operator/config-kafka.ts'

const brokers = 'b-1.example:9098, b-2.example:9098'
const local = '127.0.0.1:9092'

describe('config of Kafka', () => {
  const read = (variables: Record<string, string>) => {
    const faults: string[] = []
    return { kafka: readKafka(variables, faults), faults }
  }

  const taken: readonly [Record<string, string>, unknown][] = [
    [{}, undefined],
    [{ KARMA_KAFKA_BROKERS: '', KARMA_KAFKA_SASL: '' }, undefined],
    [{ KARMA_KAFKA_BROKERS: local }, { brokers: [local], prefix: '' }],
    [
      {
        KARMA_KAFKA_BROKERS: brokers,
        KARMA_KAFKA_PREFIX: 'team-a.',
        KARMA_KAFKA_TLS: 'true',
        KARMA_KAFKA_CA: '/ca.pem',
      },
      { brokers: ['b-1.example:9098', 'b-2.example:9098'], prefix: 'team-a.', tls: { caFile: '/ca.pem' } },
    ],
    [
      {
        KARMA_KAFKA_BROKERS: brokers,
        KARMA_KAFKA_TLS: 'true',
        KARMA_KAFKA_SASL: 'aws-msk-iam',
        KARMA_KAFKA_REGION: 'eu-central-1',
      },
      {
        brokers: ['b-1.example:9098', 'b-2.example:9098'],
        prefix: '',
        tls: {},
        sasl: { mechanism: 'aws-msk-iam', region: 'eu-central-1' },
      },
    ],
    ...['scram-sha-256', 'scram-sha-512'].map((mechanism): [Record<string, string>, unknown] => [
      { KARMA_KAFKA_BROKERS: brokers, KARMA_KAFKA_SASL: mechanism, KARMA_KAFKA_USER: 'u', KARMA_KAFKA_PASSWORD: 'p' },
      {
        brokers: ['b-1.example:9098', 'b-2.example:9098'],
        prefix: '',
        sasl: { mechanism, username: 'u', password: 'p' },
      },
    ]),
    [
      {
        KARMA_KAFKA_BROKERS: '[::1]:9092,localhost:9093',
        KARMA_KAFKA_SASL: 'plain',
        KARMA_KAFKA_USER: 'u',
        KARMA_KAFKA_PASSWORD: 'p',
      },
      {
        brokers: ['[::1]:9092', 'localhost:9093'],
        prefix: '',
        sasl: { mechanism: 'plain', username: 'u', password: 'p' },
      },
    ],
  ]
  for (const [variables, expected] of taken) {
    it(`takes ${JSON.stringify(variables)}`, () => {
      const { kafka, faults } = read(variables)
      assert.deepEqual(faults, [])
      assert.deepEqual(kafka, expected)
    })
  }

  const secret = 'hunter2'
  const user = { KARMA_KAFKA_USER: 'u', KARMA_KAFKA_PASSWORD: secret }
  const refused: readonly [Record<string, string>, RegExp][] = [
    [
      { KARMA_KAFKA_PREFIX: 'a.' },
      /^KARMA_KAFKA_BROKERS: expected HOST:PORT, or several with commas between them, found ""$/,
    ],
    [{ KARMA_KAFKA_BROKERS: 'kafka' }, /^KARMA_KAFKA_BROKERS: .*found "kafka"$/],
    [{ KARMA_KAFKA_BROKERS: `${local},,` }, /^KARMA_KAFKA_BROKERS: .*found ""$/],
    [{ KARMA_KAFKA_BROKERS: 'a:99999' }, /^KARMA_KAFKA_BROKERS: /],
    [{ KARMA_KAFKA_BROKERS: local, KARMA_KAFKA_PREFIX: 'a/' }, /^KARMA_KAFKA_PREFIX: .*found "a\/"$/],
    [{ KARMA_KAFKA_BROKERS: local, KARMA_KAFKA_TLS: 'yes' }, /^KARMA_KAFKA_TLS: expected true or false, found "yes"$/],
    [
      { KARMA_KAFKA_BROKERS: local, KARMA_KAFKA_CA: '/ca' },
      /^KARMA_KAFKA_CA: expected KARMA_KAFKA_TLS=true beside it$/,
    ],
    [
      { KARMA_KAFKA_BROKERS: local, KARMA_KAFKA_SASL: 'gssapi' },
      /^KARMA_KAFKA_SASL: expected one of plain, .*found "gssapi"$/,
    ],
    [{ KARMA_KAFKA_BROKERS: local, ...user }, /^KARMA_KAFKA_SASL: expected one of /],
    [
      { KARMA_KAFKA_BROKERS: local, KARMA_KAFKA_SASL: 'plain', KARMA_KAFKA_USER: 'u' },
      /^KARMA_KAFKA_PASSWORD: expected one /,
    ],
    [
      { KARMA_KAFKA_BROKERS: brokers, KARMA_KAFKA_SASL: 'plain', ...user },
      /^KARMA_KAFKA_TLS: expected true with KARMA_KAFKA_SASL=plain/,
    ],
    [
      { KARMA_KAFKA_BROKERS: local, KARMA_KAFKA_SASL: 'aws-msk-iam', KARMA_KAFKA_REGION: 'eu-central-1' },
      /^KARMA_KAFKA_TLS: expected true with KARMA_KAFKA_SASL=aws-msk-iam/,
    ],
    [
      { KARMA_KAFKA_BROKERS: brokers, KARMA_KAFKA_TLS: 'true', KARMA_KAFKA_SASL: 'aws-msk-iam' },
      /^KARMA_KAFKA_REGION: expected one with KARMA_KAFKA_SASL=aws-msk-iam, found none$/,
    ],
  ]
  for (const [variables, message] of refused) {
    it(`refuses ${JSON.stringify(variables)}`, () => {
      const { faults } = read(variables)
      assert.match(faults[0] ?? '', message)
      assert.ok(!faults.join('\n').includes(secret))
    })
  }
})
