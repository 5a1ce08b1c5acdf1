import { join, resolve } from 'node:path'
import type { Row } from './table.ts'

const examples = resolve(import.meta.dirname, '../../examples/vision')

/** What the cases are played with. Functions that run something reject with a message for people. */
export interface Stage {
  readonly kubectl: (...args: string[]) => Promise<string>
  /** `kubectl karma` */
  readonly karma: (...args: string[]) => Promise<string>
  /** the events of a change in the ledger, by type */
  readonly story: (change: string) => Promise<readonly string[]>
  /** tells people what comes next */
  readonly step: (line: string) => void
  /** in seconds: how long something may take, and how long once something else has not come: it may be why this does not */
  readonly patience: { readonly first: number; readonly afterwards: number }
}

interface Condition {
  readonly type: string
  readonly reason: string
  readonly message: string
}
interface Component {
  readonly status?: {
    readonly committed?: { readonly config: { readonly cidr?: string } }
    readonly conditions?: readonly Condition[]
  }
}
interface Request {
  readonly status?: {
    readonly plan?: { readonly changed?: readonly string[] }
    readonly phase?: string
    readonly affectedComponents?: readonly string[]
    readonly blockedBy?: readonly { readonly object: string }[]
    readonly conditions?: readonly Condition[]
  }
}
type Came = Pick<Row, 'actual' | 'why'>

const phaseOf = ({ status }: Request): string => status?.phase ?? 'no phase'
const messageOf = ({ status }: Request): string =>
  status?.conditions?.find(({ type }) => type === 'Succeeded')?.message ?? ''

/** The three cases of the vision, an approved set, a refused edit and a rollback. Whatever goes wrong is in a row. */
export async function playCases({ kubectl, karma, story, step, patience }: Stage): Promise<Row[]> {
  const rows: Row[] = []
  let inVain: string[] = []
  let isLate = false
  const apply = (file: string) => kubectl('apply', '-f', join(examples, file))
  /** What does not come in time shows in what is looked at next: that is what came instead. */
  const wait = async (what: string, condition: string): Promise<void> => {
    const seconds = isLate ? patience.afterwards : patience.first
    const names = what.split(' ')
    try {
      await kubectl('wait', '--namespace=dev', ...names, `--for=${condition}`, `--timeout=${seconds}s`)
    } catch {
      isLate = true
      inVain.push(`waited ${seconds} s in vain for ${condition} of ${what}`)
    }
  }
  const patch = (what: string, name: string, body: object, ...args: string[]) =>
    kubectl('patch', '--namespace=dev', what, name, ...args, '--type=merge', '-p', JSON.stringify(body))
  const report = (component: string, status: object) =>
    patch('component', component, { status }, '--subresource=status')
  const get = (what: string, name: string, output = 'json') =>
    kubectl('get', '--namespace=dev', what, name, '-o', output)
  const request = async (name: string): Promise<Request> => JSON.parse(await get('changerequest', name)) as Request
  const finished = async (name: string): Promise<Request> => {
    await wait(`changerequest/${name}`, 'condition=Finished')
    return request(name)
  }
  const configOf = (component: string, field: string) => get('component', component, `jsonpath={.spec.config.${field}}`)

  const rowOf = async (what: string, expected: string, play: () => Promise<Came>): Promise<Row> => {
    inVain = []
    const came = await play().catch((cause: Error): Came => ({ actual: 'an error', why: cause.message }))
    const why = [came.why, ...inVain].filter((text) => text !== '').join('; ')
    return { what, expected, actual: came.actual, why }
  }
  const play = async (what: string, expected: string, game: () => Promise<Came>): Promise<void> => {
    rows.push(await rowOf(what, expected, game))
  }

  step('seven Components pass the gate')
  const gate = await rowOf('seven new Components', '7 committed', async () => {
    await kubectl('create', 'namespace', 'dev')
    await apply('1-types.yaml')
    await apply('2-components.yaml')
    await wait('component/s3-bucket.shared', 'condition=Committed')
    const arns = { arn: 'arn:aws:s3:::usekarma-shared', shared_arn: 'arn:aws:s3:::shared' }
    await report('s3-bucket.shared', { outputs: arns })
    await report('ec2-instance.build', { runtime: { state: 'running' } })
    await wait('component --all', 'condition=Committed')
    const committed = await kubectl(
      'get',
      '--namespace=dev',
      'component',
      '-o',
      'jsonpath={range .items[?(@.status.committed)]}{.metadata.name} {end}',
    )
    return { actual: `${committed.split(' ').length - 1} committed`, why: '' }
  })
  // It is what the cases stand on, and none of them.
  if (gate.actual !== gate.expected) rows.push(gate)

  step('a subnet is changed under a running instance')
  await play('change the subnet under an instance', 'Rejected, names ec2-instance/build', async () => {
    await apply('change-subnet.yaml')
    const subnet = await finished('widen-subnet')
    const named = messageOf(subnet).includes('ec2-instance/build') ? ', names ec2-instance/build' : ''
    return { actual: `${phaseOf(subnet)}${named}`, why: messageOf(subnet) }
  })

  step('DNS aliases are asked for before the distribution has a name')
  await play('new DNS alias, no domain name yet', 'Queued for cloudfront-distribution/karma-dev', async () => {
    await apply('change-aliases.yaml')
    await wait('changerequest/new-alias', 'jsonpath={.status.phase}=Queued')
    const queued = await request('new-alias')
    const waitsFor = queued.status?.blockedBy?.map(({ object }) => object).join(', ')
    return { actual: `${phaseOf(queued)} for ${waitsFor}`, why: messageOf(queued) }
  })
  await play('another one, taken back', 'Cancelled', async () => {
    await apply('change-and-cancel.yaml')
    await wait('changerequest/second-thoughts', 'jsonpath={.status.phase}=Queued')
    await patch('changerequest', 'second-thoughts', { spec: { cancel: true } })
    const cancelled = await finished('second-thoughts')
    return { actual: phaseOf(cancelled), why: messageOf(cancelled) }
  })

  step('the distribution reports its domain name')
  await play(
    'new DNS alias, domain name reported',
    'Applied, affects cloudfront-distribution/karma-dev, route53-zone/karma-dev',
    async () => {
      await report('cloudfront-distribution.karma-dev', { outputs: { domain_name: 'd111.cloudfront.net' } })
      const applied = await finished('new-alias')
      const affected = [...(applied.status?.affectedComponents ?? [])].sort().join(', ')
      return { actual: `${phaseOf(applied)}, affects ${affected}`, why: messageOf(applied) }
    },
  )

  step('a shared output is taken away while a Lambda uses it')
  await play('stop sharing the bucket', 'Rejected, names lambda-function/thumbnails', async () => {
    await apply('change-bucket.yaml')
    const bucket = await finished('stop-sharing')
    const named = messageOf(bucket).includes('lambda-function/thumbnails') ? ', names lambda-function/thumbnails' : ''
    return { actual: `${phaseOf(bucket)}${named}`, why: messageOf(bucket) }
  })

  step('a plan')
  await play('plan a new title', 'Planned, title still Karma', async () => {
    await apply('plan-title.yaml')
    const planned = await finished('plan-title')
    const title = await configOf('serverless-site.karma-dev', 'title')
    return { actual: `${phaseOf(planned)}, title still ${title}`, why: messageOf(planned) }
  })

  step('the Lambda gets a bucket of its own in the same step: a set, to which somebody else has to agree')
  await play(
    'stop sharing, with the Lambda, approved by a reviewer',
    'AwaitingApproval, then Applied to 2 Components',
    async () => {
      await apply('change-set.yaml')
      await wait('changerequest/unshare', 'jsonpath={.status.phase}=AwaitingApproval')
      const asked = await request('unshare')
      await kubectl('create', 'serviceaccount', 'reviewer', '--namespace=dev')
      const role = ['--clusterrole=karma-approve', '--serviceaccount=dev:reviewer']
      await kubectl('create', 'rolebinding', 'reviewer', ...role, '--namespace=dev')
      const reviewer = await kubectl('create', 'token', 'reviewer', '--namespace=dev')
      await karma('approve', 'unshare', '--namespace=dev', '--yes', `--token=${reviewer.trim()}`)
      const agreed = await finished('unshare')
      const changed = agreed.status?.plan?.changed?.length
      return {
        actual: `${phaseOf(asked)}, then ${phaseOf(agreed)} to ${changed} Components`,
        why: messageOf(agreed),
      }
    },
  )

  step('the subnet is edited directly')
  const edit = (cidr: string) => patch('component', 'vpc-subnet.apps', { spec: { config: { cidr } } })
  await play('edit the subnet with kubectl', 'GuardFailed, committed still 10.0.1.0/24', async () => {
    await edit('10.0.4.0/22')
    await wait('component/vpc-subnet.apps', 'condition=Stalled')
    const { status } = JSON.parse(await get('component', 'vpc-subnet.apps')) as Component
    const found = status?.conditions?.find(({ type }) => type === 'Committed')
    await edit('10.0.1.0/24')
    await wait('component/vpc-subnet.apps', 'condition=Committed')
    const actual = `${found?.reason ?? 'no reason'}, committed still ${status?.committed?.config.cidr}`
    return { actual, why: found?.message ?? '' }
  })

  step('the new alias is undone')
  await play('roll the alias back', 'Applied, aliases []', async () => {
    await karma('rollback', 'new-alias', '--namespace=dev')
    const undone = await finished('rollback-new-alias')
    const site = await configOf('serverless-site.karma-dev', 'cloudfront_aliases')
    return { actual: `${phaseOf(undone)}, aliases ${site}`, why: messageOf(undone) }
  })

  const expectedStory = 'requested, queued, planned, applying, applied, rolled-back'
  await play('the story of new-alias in the ledger', expectedStory, async () => {
    const told = await story('dev/new-alias')
    return { actual: told.join(', '), why: 'kubectl karma log new-alias -n dev' }
  })
  return rows
}
