import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { readConfig } from '../../operator/config.ts'

type Variables = Parameters<typeof readConfig>[0]

describe('config', () => {
  const read = (variables: Variables) => {
    const config = readConfig(variables)
    assert.ok(config.ok, config.ok ? '' : config.failure.message)
    return config.value
  }
  const faults = (variables: Variables): string[] => {
    const config = readConfig(variables)
    assert.ok(!config.ok)
    assert.deepEqual([config.failure.reason, config.failure.retry], ['InvalidConfig', false])
    return config.failure.message.split('\n')
  }

  it('has a default for everything, and an empty variable is none', () => {
    const defaults = {
      kubeconfigPath: undefined,
      namespace: 'karma-system',
      podName: 'karma',
      dataFolder: resolve('.karma/data'),
      http: { host: '127.0.0.1', port: 8480 },
      probes: { host: '127.0.0.1', port: 8481 },
      lease: { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 1_500, requestTimeoutMs: 3_000 },
      graphCheck: { everyMs: 3_600_000, keepVersions: 1_000 },
      lingerMs: 1_000,
      logLevel: 'info',
    }
    const names = ['KUBECONFIG', 'KARMA_NAMESPACE', 'POD_NAME', 'HOSTNAME', 'KARMA_DATA', 'KARMA_HTTP', 'KARMA_PROBES']
    const numbers = ['DURATION', 'RENEW_DEADLINE', 'RETRY', 'REQUEST_TIMEOUT'].map((name) => `KARMA_LEASE_${name}_MS`)
    const graph = ['ENDPOINT', 'READER_ENDPOINT', 'IAM_REGION', 'CHECK_MS', 'KEEP_VERSIONS'].map(
      (name) => `KARMA_GRAPH_${name}`,
    )
    const ledger = ['URL', 'USER', 'PASSWORD', 'KEEP_DAYS'].map((name) => `KARMA_LEDGER_${name}`)
    const empty = [...names, ...numbers, ...graph, ...ledger, 'KARMA_LINGER_MS', 'KARMA_LOG_LEVEL'].map((name) => [
      name,
      '',
    ])
    assert.deepEqual(read({}), defaults)
    assert.deepEqual(read(Object.fromEntries(empty)), defaults)
  })

  it('takes what is set', () => {
    const variables = {
      KUBECONFIG: '/etc/kube',
      KARMA_NAMESPACE: 'ops',
      POD_NAME: 'karma-0',
      HOSTNAME: 'node-1',
      KARMA_DATA: '/data/../var',
      KARMA_LEDGER_URL: 'https://db.example:8443/',
      KARMA_LEDGER_USER: 'karma',
      KARMA_LEDGER_PASSWORD: 'a secret',
      KARMA_LEDGER_KEEP_DAYS: '400',
      KARMA_HTTP: '[::1]:0',
      KARMA_PROBES: '0.0.0.0:65535',
      KARMA_LEASE_DURATION_MS: '1000',
      KARMA_LEASE_RENEW_DEADLINE_MS: '500',
      KARMA_LEASE_RETRY_MS: '100',
      KARMA_LEASE_REQUEST_TIMEOUT_MS: '300',
      KARMA_GRAPH_ENDPOINT: 'wss://db.example:8182/gremlin',
      KARMA_GRAPH_READER_ENDPOINT: 'wss://ro.example:8182/gremlin',
      KARMA_GRAPH_IAM_REGION: 'eu-central-1',
      KARMA_GRAPH_CHECK_MS: '1000',
      KARMA_GRAPH_KEEP_VERSIONS: '5',
      KARMA_LINGER_MS: '1',
      KARMA_LOG_LEVEL: 'debug',
    }
    assert.deepEqual(read(variables), {
      kubeconfigPath: '/etc/kube',
      namespace: 'ops',
      podName: 'karma-0',
      dataFolder: resolve('/var'),
      ledger: { url: 'https://db.example:8443', user: 'karma', password: 'a secret' },
      ledgerKeepDays: 400,
      http: { host: '[::1]', port: 0 },
      probes: { host: '0.0.0.0', port: 65_535 },
      lease: { durationMs: 1_000, renewDeadlineMs: 500, retryMs: 100, requestTimeoutMs: 300 },
      graph: {
        writer: 'wss://db.example:8182/gremlin',
        reader: 'wss://ro.example:8182/gremlin',
        iam: { region: 'eu-central-1' },
      },
      graphCheck: { everyMs: 1_000, keepVersions: 5 },
      lingerMs: 1,
      logLevel: 'debug',
    })
    assert.equal(read({ HOSTNAME: 'node-1' }).podName, 'node-1')
  })

  it('takes a ledger server without a user, and a password over http on the loopback', () => {
    const open = read({ KARMA_LEDGER_URL: 'http://db.example:8123' }).ledger
    assert.deepEqual(open, { url: 'http://db.example:8123', user: 'default', password: '' })
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
      const { ledger } = read({ KARMA_LEDGER_URL: `http://${host}:8123`, KARMA_LEDGER_PASSWORD: 'secret' })
      assert.deepEqual(ledger, { url: `http://${host}:8123`, user: 'default', password: 'secret' })
    }
  })

  it('leaves room for a UUID behind the longest name of a pod', () => {
    assert.equal(`${read({ POD_NAME: 'p'.repeat(300) }).podName}_${crypto.randomUUID()}`.length, 253)
  })

  const wrong: [variables: Variables, expected: string][] = [
    [{ KARMA_LINGER_MS: '0' }, 'KARMA_LINGER_MS: expected a number of milliseconds above 0, found "0"'],
    [{ KARMA_LINGER_MS: '-5' }, 'KARMA_LINGER_MS: expected a number of milliseconds above 0, found "-5"'],
    [{ KARMA_LINGER_MS: '1.5' }, 'KARMA_LINGER_MS: expected a number of milliseconds above 0, found "1.5"'],
    [{ KARMA_LINGER_MS: '1s' }, 'KARMA_LINGER_MS: expected a number of milliseconds above 0, found "1s"'],
    [{ KARMA_LINGER_MS: 'Infinity' }, 'KARMA_LINGER_MS: expected a number of milliseconds above 0, found "Infinity"'],
    [
      { KARMA_GRAPH_ENDPOINT: 'https://somebody:secret@db.example/gremlin' },
      'KARMA_GRAPH_ENDPOINT: expected ws://HOST:PORT/gremlin or wss://HOST:PORT/gremlin without credentials, found one that begins with "https"',
    ],
    [
      { KARMA_GRAPH_ENDPOINT: 'wss://somebody:secret@db.example/gremlin' },
      'KARMA_GRAPH_ENDPOINT: expected ws://HOST:PORT/gremlin or wss://HOST:PORT/gremlin without credentials, found one that begins with "wss"',
    ],
    [
      { KARMA_GRAPH_READER_ENDPOINT: 'ws://ro.example:8182/gremlin' },
      'KARMA_GRAPH_ENDPOINT: expected the endpoint of the graph store, as other KARMA_GRAPH_… are set, found none',
    ],
    [
      { KARMA_GRAPH_ENDPOINT: 'ws://db.example:8182/gremlin', KARMA_GRAPH_IAM_REGION: 'eu-central-1' },
      'KARMA_GRAPH_ENDPOINT: expected wss://… with KARMA_GRAPH_IAM_REGION, found ws://; a signed request can be read by others on the way',
    ],
    [
      {
        KARMA_GRAPH_ENDPOINT: 'WSS://db.example:8182/gremlin',
        KARMA_GRAPH_READER_ENDPOINT: 'WS://ro.example:8182/gremlin',
        KARMA_GRAPH_IAM_REGION: 'eu-central-1',
      },
      'KARMA_GRAPH_READER_ENDPOINT: expected wss://… with KARMA_GRAPH_IAM_REGION, found ws://; a signed request can be read by others on the way',
    ],
    [
      { KARMA_GRAPH_ENDPOINT: 'wss://:secret@db.example/gremlin' },
      'KARMA_GRAPH_ENDPOINT: expected ws://HOST:PORT/gremlin or wss://HOST:PORT/gremlin without credentials, found one that begins with "wss"',
    ],
    [{ KARMA_GRAPH_KEEP_VERSIONS: '0' }, 'KARMA_GRAPH_KEEP_VERSIONS: expected a number of versions above 0, found "0"'],
    [
      { KARMA_LEDGER_URL: 'http://db.example:8123', KARMA_LEDGER_PASSWORD: 'secret' },
      'KARMA_LEDGER_URL: expected https://… with KARMA_LEDGER_PASSWORD, found http://; a password can be read by others on the way',
    ],
    [
      { KARMA_LEDGER_URL: 'http://127.0.0.1.example:8123', KARMA_LEDGER_PASSWORD: 'secret' },
      'KARMA_LEDGER_URL: expected https://… with KARMA_LEDGER_PASSWORD, found http://; a password can be read by others on the way',
    ],
    ...[
      'https://karma:secret@db.example',
      'https://db.example/path',
      'tcp://secret',
      'https://db.example?password=secret',
    ].map((url): [Variables, string] => [
      { KARMA_LEDGER_URL: url },
      `KARMA_LEDGER_URL: expected http://HOST:PORT or https://HOST:PORT, without credentials or path, found one that begins with "${url.split(':')[0]}"`,
    ]),
    [
      { KARMA_LEDGER_PASSWORD: 'secret' },
      'KARMA_LEDGER_URL: expected the address of a ClickHouse server, as its user is set, found none',
    ],
    [{ KARMA_LEDGER_KEEP_DAYS: '0' }, 'KARMA_LEDGER_KEEP_DAYS: expected a number of days from 1 to 36500, found "0"'],
    [
      { KARMA_LEDGER_KEEP_DAYS: '36501' },
      'KARMA_LEDGER_KEEP_DAYS: expected a number of days from 1 to 36500, found "36501"',
    ],
    [{ KARMA_HTTP: 'localhost' }, 'KARMA_HTTP: expected HOST:PORT, found "localhost"'],
    [{ KARMA_HTTP: ':80' }, 'KARMA_HTTP: expected HOST:PORT, found ":80"'],
    [{ KARMA_HTTP: '127.0.0.1:65536' }, 'KARMA_HTTP: expected HOST:PORT, found "127.0.0.1:65536"'],
    [{ KARMA_PROBES: '127.0.0.1:-1' }, 'KARMA_PROBES: expected HOST:PORT, found "127.0.0.1:-1"'],
    [
      { KARMA_LOG_LEVEL: 'loud' },
      'KARMA_LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent, found "loud"',
    ],
    [
      { KARMA_LEASE_RETRY_MS: '10000' },
      'KARMA_LEASE_…: retryMs: expected less than renewDeadlineMs 10000, found 10000',
    ],
    [
      { KARMA_LEASE_DURATION_MS: '14800' },
      'KARMA_LEASE_…: durationMs: expected more than renewDeadlineMs + requestTimeoutMs + 1.2 * retryMs = 14800, found 14800',
    ],
  ]
  for (const [variables, expected] of wrong) {
    it(`refuses ${JSON.stringify(variables)}`, () => assert.deepEqual(faults(variables), [expected]))
  }

  it('lists every fault at once', () => {
    const variables = {
      KARMA_LINGER_MS: 'x',
      KARMA_HTTP: 'x',
      KARMA_PROBES: 'x',
      KARMA_LOG_LEVEL: 'x',
      KARMA_LEASE_RETRY_MS: 'x',
    }
    assert.deepEqual(
      faults(variables)
        .map((fault) => fault.split(':')[0])
        .sort(),
      Object.keys(variables).sort(),
    )
  })
})
