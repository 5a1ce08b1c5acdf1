import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { readCertificates } from '../../../../operator/adapters/bus-kafka/certificates.ts'
import { connectKafka } from '../../../../operator/adapters/bus-kafka/connection.ts'
import { textOf, wordOf } from '../../../../operator/adapters/bus-kafka/failure.ts'

describe('connection to Kafka', () => {
  const log = { debug() {}, info() {}, warn() {}, error() {} }

  it('does not wake a thousand times a second while nothing happens', async () => {
    connectKafka({ brokers: ['127.0.0.1:1'] }, log)
    let checks = 0
    const queue: RequestQueue & { pending: readonly unknown[] } = Object.assign(Object.create(RequestQueue.prototype), {
      pending: [],
      throttledUntil: -1,
      throttleCheckTimeoutId: null,
      checkPendingRequests() {
        checks++
        queue.scheduleCheckPendingRequests()
      },
    })
    queue.scheduleCheckPendingRequests()
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal(checks, 0)
    // What waits is still looked after.
    queue.pending = [{}]
    queue.scheduleCheckPendingRequests()
    await new Promise((resolve) => setTimeout(resolve, 50))
    queue.pending = []
    assert.ok(checks > 0)
  })

  it('signs for MSK with the credentials of the process, a token for each connection', async () => {
    const variables = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'hunter2' }
    const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]))
    Object.assign(process.env, variables)
    try {
      const { generateAuthToken } = await import('aws-msk-iam-sasl-signer-js')
      const { token } = await generateAuthToken({ region: 'eu-central-1' })
      const url = new URL(Buffer.from(token, 'base64url').toString())
      assert.equal(url.host, 'kafka.eu-central-1.amazonaws.com')
      assert.equal(url.searchParams.get('Action'), 'kafka-cluster:Connect')
      assert.match(
        url.searchParams.get('X-Amz-Credential') ?? '',
        /^AKIDEXAMPLE\/\d{8}\/eu-central-1\/kafka-cluster\/aws4_request$/,
      )
      assert.ok(!url.href.includes('hunter2'))
    } finally {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  })

  it('reads certificates, or says which file has none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'karma-ca-'))
    try {
      const file = join(folder, 'ca.pem')
      const refused = (expected: RegExp) => {
        const read = readCertificates(file)
        assert.ok(!read.ok)
        assert.match(read.failure.message, expected)
        assert.ok(read.failure.message.includes(file))
      }
      refused(/^KARMA_KAFKA_CA: .*expected certificates in PEM, found ENOENT/)
      writeFileSync(file, 'nothing')
      refused(/found none$/)
      writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
      refused(/expected certificates in PEM, found /)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('says what kafkajs throws in a line, with the broker’s word and what lies below', () => {
    const { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } = kafkajs
    const denied = new KafkaJSProtocolError(
      Object.assign(new Error('Not authorized to access topics'), {
        type: 'TOPIC_AUTHORIZATION_FAILED',
        code: 29,
      }) as never,
    )
    const away = new KafkaJSConnectionError('Connection timeout', { broker: 'b-1:9092' })
    const cases: readonly [unknown, string, string | undefined][] = [
      [denied, 'Not authorized to access topics (TOPIC_AUTHORIZATION_FAILED)', 'TOPIC_AUTHORIZATION_FAILED'],
      [away, 'Connection timeout (broker b-1:9092)', undefined],
      [
        new KafkaJSNumberOfRetriesExceeded(denied, { retryCount: 4, retryTime: 100 }),
        'Not authorized to access topics (TOPIC_AUTHORIZATION_FAILED)',
        'TOPIC_AUTHORIZATION_FAILED',
      ],
      [
        Object.assign(new Error('several'), { errors: [denied, away] }),
        'Not authorized to access topics (TOPIC_AUTHORIZATION_FAILED)',
        undefined,
      ],
      ['plain', 'plain', undefined],
    ]
    for (const [error, text, word] of cases) {
      assert.equal(textOf(error), text)
      assert.equal(wordOf(error), word)
    }
  })
})
