import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify, styleText } from 'node:util'
import { waitForAdmission } from '../support/admission.ts'
import { recordsOf } from '../support/kafka-records.ts'
import { findBinaries } from './binaries.ts'
import { startControlPlane } from './control-plane.ts'
import { freePort } from './free-port.ts'
import { type GremlinServer, startGremlinServer } from './gremlin-server.ts'
import { install, kubectl, operatorKubeconfig } from './install.ts'
import { type Broker, startBroker } from './kafka.ts'
import { startOperator, whenListening } from './operator.ts'
import { createTable, type Row } from './table.ts'

/**
 * `npm run demo`: a control plane, the operator, and the three cases of the vision by `kubectl apply`, an approved
 * set, a refused edit and a rollback, with what was expected beside what came. Everything is gone afterwards. Exit code 1 when something came out otherwise.
 */
const examples = resolve(import.meta.dirname, '../../examples/vision')
const say = (line: string): boolean => process.stdout.write(`${line}\n`)
const step = (line: string): boolean => say(styleText('dim', `· ${line}`))

interface Component {
  readonly status: {
    readonly committed: { readonly config: { readonly cidr?: string } }
    readonly conditions: readonly { readonly type: string; readonly reason: string; readonly message: string }[]
  }
}
const conditionOf = ({ status }: Component, type: string) =>
  status.conditions.find((condition) => condition.type === type) ?? { reason: '', message: '' }

interface Request {
  readonly status?: {
    readonly plan?: { readonly changed?: readonly string[] }
    readonly phase?: string
    readonly affectedComponents?: readonly string[]
    readonly blockedBy?: readonly { readonly object: string }[]
    readonly conditions?: readonly { readonly type: string; readonly message: string }[]
  }
}

async function play(kubeconfig: string, api: string, program: string, token: string): Promise<Row[]> {
  const run = (...args: string[]) => kubectl({ kubeconfig, program, args })
  const karma = (...args: string[]) => plugin({ kubeconfig, args })
  const apply = (file: string) => run('apply', '-f', join(examples, file))
  const wait = (what: string, condition: string) =>
    run('wait', '--namespace=dev', what, `--for=${condition}`, '--timeout=30s')
  const report = (component: string, status: object) =>
    run(
      'patch',
      '--namespace=dev',
      'component',
      component,
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    )
  const request = async (name: string): Promise<Request> =>
    JSON.parse(await run('get', '--namespace=dev', 'changerequest', name, '-o', 'json')) as Request
  const messageOf = ({ status }: Request): string =>
    status?.conditions?.find(({ type }) => type === 'Succeeded')?.message ?? ''
  const rows: Row[] = []
  const row = (what: string, expected: string, actual: string, why: string): void => {
    rows.push({ what, expected, actual, why })
  }

  step('seven Components pass the gate')
  await run('create', 'namespace', 'dev')
  await apply('1-types.yaml')
  await apply('2-components.yaml')
  await wait('component/s3-bucket.shared', 'condition=Committed')
  await report('s3-bucket.shared', {
    outputs: { arn: 'arn:aws:s3:::usekarma-shared', shared_arn: 'arn:aws:s3:::shared' },
  })
  await report('ec2-instance.build', { runtime: { state: 'running' } })
  await wait('component', 'condition=Committed').catch(() =>
    run('wait', '--namespace=dev', 'component', '--all', '--for=condition=Committed', '--timeout=30s'),
  )
  await run('wait', '--namespace=dev', 'component', '--all', '--for=condition=Committed', '--timeout=30s')

  step('a subnet is changed under a running instance')
  await apply('change-subnet.yaml')
  await wait('changerequest/widen-subnet', 'condition=Finished')
  const subnet = await request('widen-subnet')
  const named = messageOf(subnet).includes('ec2-instance/build') ? ', names ec2-instance/build' : ''
  row(
    'change the subnet under an instance',
    'Rejected, names ec2-instance/build',
    `${subnet.status?.phase}${named}`,
    messageOf(subnet),
  )

  step('DNS aliases are asked for before the distribution has a name')
  await apply('change-aliases.yaml')
  await wait('changerequest/new-alias', 'jsonpath={.status.phase}=Queued')
  const queued = await request('new-alias')
  const waitsFor = queued.status?.blockedBy?.map(({ object }) => object).join(', ')
  row(
    'new DNS alias, no domain name yet',
    'Queued for cloudfront-distribution/karma-dev',
    `${queued.status?.phase} for ${waitsFor}`,
    messageOf(queued),
  )

  await apply('change-and-cancel.yaml')
  await wait('changerequest/second-thoughts', 'jsonpath={.status.phase}=Queued')
  await run(
    'patch',
    '--namespace=dev',
    'changerequest',
    'second-thoughts',
    '--type=merge',
    '-p',
    '{"spec":{"cancel":true}}',
  )
  await wait('changerequest/second-thoughts', 'condition=Finished')
  const cancelled = await request('second-thoughts')
  row('another one, taken back', 'Cancelled', `${cancelled.status?.phase}`, messageOf(cancelled))

  step('the distribution reports its domain name')
  await report('cloudfront-distribution.karma-dev', { outputs: { domain_name: 'd111.cloudfront.net' } })
  await wait('changerequest/new-alias', 'condition=Finished')
  const applied = await request('new-alias')
  const affected = [...(applied.status?.affectedComponents ?? [])].sort().join(', ')
  row(
    'new DNS alias, domain name reported',
    'Applied, affects cloudfront-distribution/karma-dev, route53-zone/karma-dev',
    `${applied.status?.phase}, affects ${affected}`,
    messageOf(applied),
  )

  step('a shared output is taken away while a Lambda uses it')
  await apply('change-bucket.yaml')
  await wait('changerequest/stop-sharing', 'condition=Finished')
  const bucket = await request('stop-sharing')
  const lambda = messageOf(bucket).includes('lambda-function/thumbnails') ? ', names lambda-function/thumbnails' : ''
  row(
    'stop sharing the bucket',
    'Rejected, names lambda-function/thumbnails',
    `${bucket.status?.phase}${lambda}`,
    messageOf(bucket),
  )

  step('a plan')
  await apply('plan-title.yaml')
  await wait('changerequest/plan-title', 'condition=Finished')
  const planned = await request('plan-title')
  const title = await run(
    'get',
    '--namespace=dev',
    'component',
    'serverless-site.karma-dev',
    '-o',
    'jsonpath={.spec.config.title}',
  )
  row(
    'plan a new title',
    'Planned, title still Karma',
    `${planned.status?.phase}, title still ${title}`,
    messageOf(planned),
  )

  step('the Lambda gets a bucket of its own in the same step: a set, to which somebody else has to agree')
  await apply('change-set.yaml')
  await wait('changerequest/unshare', 'jsonpath={.status.phase}=AwaitingApproval')
  const asked = await request('unshare')
  await run('create', 'serviceaccount', 'reviewer', '--namespace=dev')
  await run(
    'create',
    'rolebinding',
    'reviewer',
    '--clusterrole=karma-approve',
    '--serviceaccount=dev:reviewer',
    '--namespace=dev',
  )
  const reviewer = await run('create', 'token', 'reviewer', '--namespace=dev')
  await karma('approve', 'unshare', '--namespace=dev', '--yes', `--token=${reviewer.trim()}`)
  await wait('changerequest/unshare', 'condition=Finished')
  const agreed = await request('unshare')
  row(
    'stop sharing, with the Lambda, approved by a reviewer',
    'AwaitingApproval, then Applied to 2 Components',
    `${asked.status?.phase}, then ${agreed.status?.phase} to ${agreed.status?.plan?.changed?.length} Components`,
    messageOf(agreed),
  )

  step('the subnet is edited directly')
  const edit = (cidr: string) =>
    run(
      'patch',
      '--namespace=dev',
      'component',
      'vpc-subnet.apps',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { config: { cidr } } }),
    )
  await edit('10.0.4.0/22')
  await wait('component/vpc-subnet.apps', 'condition=Stalled')
  const committed = await run('get', '--namespace=dev', 'component', 'vpc-subnet.apps', '-o', 'json')
  const { reason = '', message = '' } = conditionOf(JSON.parse(committed), 'Committed')
  const kept = (JSON.parse(committed) as Component).status.committed.config.cidr
  row(
    'edit the subnet with kubectl',
    'GuardFailed, committed still 10.0.1.0/24',
    `${reason}, committed still ${kept}`,
    message,
  )
  await edit('10.0.1.0/24')
  await wait('component/vpc-subnet.apps', 'condition=Committed')

  step('the new alias is undone')
  await karma('rollback', 'new-alias', '--namespace=dev')
  await wait('changerequest/rollback-new-alias', 'condition=Finished')
  const undone = await request('rollback-new-alias')
  const site = await run(
    'get',
    '--namespace=dev',
    'component',
    'serverless-site.karma-dev',
    '-o',
    'jsonpath={.spec.config.cloudfront_aliases}',
  )
  row('roll the alias back', 'Applied, aliases []', `${undone.status?.phase}, aliases ${site}`, messageOf(undone))

  say('')
  say(await run('get', 'karma', '--all-namespaces'))
  const told = await story(api, token, 'dev/new-alias')
  row(
    'the story of new-alias in the ledger',
    'requested, queued, planned, applying, applied, rolled-back',
    told.join(', '),
    'kubectl karma log new-alias -n dev',
  )
  return rows
}

/** Where the plan of a change read the graph. */
async function readOf(kubeconfig: string, program: string, graph: string): Promise<Row> {
  const args = ['get', '--namespace=dev', 'changerequest', 'new-alias', '-o', 'jsonpath={.status.plan.readFrom}']
  return {
    what: 'where the plan of new-alias read the graph',
    expected: graph === 'gremlin' ? 'Mirror' : 'Process',
    actual: await kubectl({ kubeconfig, program, args }),
    why: graph === 'gremlin' ? 'the copy in process of what is in Gremlin Server' : 'the graph is in the operator',
  }
}

const mainOfPlugin = resolve(import.meta.dirname, '../../operator/cli/main.ts')

/** Runs `kubectl karma`. Rejects with what it said. */
async function plugin({ kubeconfig, args }: { kubeconfig: string; args: readonly string[] }): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfig }
  const { stdout } = await promisify(execFile)(process.execPath, [mainOfPlugin, ...args], { env })
  return stdout
}

/** Asked until the last event has arrived: telling comes after deciding. */
async function story(api: string, token: string, change: string): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`${api}/api/v1/log?change=${change}`, { headers: { authorization: `Bearer ${token}` } })
    const { events = [] } = (await answer.json()) as { events?: { event_type: string }[] }
    const types = events.flatMap(({ event_type }) => (event_type.startsWith('change.') ? [event_type.slice(7)] : []))
    if (types.includes('rolled-back') || attempt === 50) return types
    await new Promise((resume) => setTimeout(resume, 100))
  }
}

/** Telling comes after deciding: asked until both have the same, or for ten seconds. */
async function carried(api: string, token: string, broker: Broker): Promise<Row> {
  const counts = { kafka: 0, ledger: -1 }
  for (let attempt = 0; counts.kafka !== counts.ledger && attempt < 50; attempt++) {
    const answer = await fetch(`${api}/api/v1/log?limit=5000`, { headers: { authorization: `Bearer ${token}` } })
    counts.ledger = ((await answer.json()) as { events: unknown[] }).events.length
    const records = await recordsOf(broker.address, 'events.normalized')
    counts.kafka = new Set(records.map(({ headers }) => headers?.ce_id?.toString())).size
  }
  return {
    what: 'events in Kafka, and in the ledger',
    expected: `as many in both: ${counts.kafka}`,
    actual: `as many in both: ${counts.ledger}`,
    why: 'the operator publishes to the broker, and the ledger takes from there',
  }
}

/**
 * `--graph gremlin`: the graph is in a Gremlin Server, as it would be in Neptune, and not in the operator.
 * `--bus kafka`: events travel over an Apache Kafka broker.
 */
const choices = { graph: ['embedded', 'gremlin'], bus: ['embedded', 'kafka'] } as const

function asked(): Record<keyof typeof choices, string> {
  const option = { type: 'string', default: 'embedded' } as const
  const { values } = parseArgs({ options: { graph: option, bus: option } })
  for (const [name, known] of Object.entries(choices)) {
    const found = values[name as keyof typeof choices]
    if (known.some((one) => one === found)) continue
    throw new Error(`--${name}: expected ${known.join(' or ')}, found ${JSON.stringify(found)}`)
  }
  return values
}

async function main(): Promise<number> {
  const { graph, bus } = asked()
  const started = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'karma-demo-'))
  const { kubectl: program } = await findBinaries()
  step('control plane: etcd, kube-apiserver, kube-controller-manager')
  const controlPlane = await startControlPlane()
  const { kubeconfig } = controlPlane
  let operator: ReturnType<typeof startOperator> | undefined
  let store: GremlinServer | undefined
  let broker: Broker | undefined
  try {
    if (graph === 'gremlin') {
      step('graph store: Gremlin Server')
      store = await startGremlinServer()
    }
    if (bus === 'kafka') {
      step('bus: Apache Kafka')
      broker = await startBroker()
    }
    await install({ kubeconfig, program })
    await waitForAdmission(kubeconfig)
    step('operator')
    const http = `127.0.0.1:${await freePort()}`
    const log = join(folder, 'operator.log')
    const account = await operatorKubeconfig({ controlPlane, dir: folder })
    operator = startOperator({
      kubeconfig: account,
      data: join(folder, 'data'),
      http,
      log,
      env: {
        KARMA_PROBES: '127.0.0.1:0',
        ...(store && { KARMA_GRAPH_ENDPOINT: store.url }),
        ...(broker && { KARMA_KAFKA_BROKERS: broker.address }),
      },
    })
    if (!(await whenListening({ http, process: operator }))) throw new Error(`the operator did not start; see ${log}`)
    const token = await kubectl({ kubeconfig, program, args: ['create', 'token', 'karma', '--namespace=karma-system'] })
    const rows = await play(kubeconfig, `http://${http}`, program, token.trim())
    rows.push(await readOf(kubeconfig, program, graph))
    if (broker) rows.push(await carried(`http://${http}`, token.trim(), broker))
    say(createTable(rows))
    const wrong = rows.filter(({ expected, actual }) => expected !== actual)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    say(`${rows.length - wrong.length} of ${rows.length} as expected, ${seconds} s`)
    return wrong.length === 0 ? 0 : 1
  } finally {
    await operator?.stop()
    await store?.close()
    await broker?.close()
    await controlPlane.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (cause) {
  process.stderr.write(`${(cause as Error).message}\n`)
  process.exitCode = 1
}
