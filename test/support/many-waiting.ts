import { readFileSync } from 'node:fs'
import type { ClientRequest } from 'node:http'
import { get } from 'node:https'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Karma } from './installed-karma.ts'
import { eventually, type Namespace } from './karma-namespace.ts'
import { changeRequest, component, type Manifest } from './karma-objects.ts'

interface Options {
  readonly karma: Karma
  readonly here: Namespace
  readonly many: number
  readonly idleMs: number
  readonly progress: (text: string) => void
}

/** What it took; times in milliseconds. */
export interface Waited {
  /** what Karma asked of the API server while nothing happened, but for its upkeep: `verb uri` */
  readonly asked: readonly string[]
  readonly renewals: number
  readonly watchesEnded: number
  /** from the report to when each request left the queue, the fastest first */
  readonly left: readonly number[]
  /** from the report to when all were applied */
  readonly appliedMs: number
  /** as many patches of the same requests without Karma, 32 at a time */
  readonly bareMs: number
}

const sideBySide = 32

/**
 * So many changes, each of a Component of its own, that wait for one output of `hub/one`; a while in which nothing
 * happens; the output is reported, and all of them are applied.
 */
export async function manyWaiting({ karma, here, many, idleMs, progress }: Options): Promise<Waited> {
  const numbers = Array.from({ length: many }, (_, i) => i)
  const names = numbers.map((i) => `wait-${i}`)
  const createAll = (manifests: readonly Manifest[]): Promise<void> =>
    sharedOut(manifests, 8, (manifest) => here.create(manifest))

  progress(`${many} Components are committed`)
  await here.commit(component('hub/one'))
  const references = [{ name: 'hub', component: 'hub/one' }]
  await createAll(numbers.map((i) => component(`leaf/${i}`, { config: { i }, references })))
  await until(`${many} dependents`, async () => {
    const last = (await here.get('Component', 'hub.one'))?.status?.dependents
    return { isSo: last === many, last }
  })
  progress(`${many} changes are asked for`)
  const proposedChange = { url: `\${hub.url}` }
  await createAll(numbers.map((i) => changeRequest(names[i]!, { component: `leaf/${i}`, proposedChange })))
  await until('all queued, and the environment free', async () => {
    const last = (await here.get('Environment', 'dev'))?.status
    return { isSo: last?.queued === many && !last.lockedBy, last }
  })
  // The last events are published and their place is noted.
  await sleep(3_000)

  progress(`nothing happens for ${idleMs / 1000} s`)
  const idleFrom = Date.now()
  await sleep(idleMs)
  const idle = askedBetween(karma, idleFrom, idleFrom + idleMs)

  progress('the output is reported')
  const queue = await watchQueue(karma, here.path('ChangeRequest'))
  const reported = performance.now()
  await here.report('hub.one', { outputs: { url: 'https://hub' } })
  await until('an empty queue', async () => ({ isSo: queue.size() === 0, last: queue.size() }))
  queue.close()
  await until('all applied', async () => {
    const { body } = await karma.api.get(`${here.path('ChangeRequest')}?fieldSelector=status.phase=Applied`)
    return { isSo: body.items.length === many, last: body.items.length }
  })
  const appliedMs = performance.now() - reported

  progress('as many bare patches')
  return {
    asked: idle.filter((line) => !isUpkeep(line)).map(({ verb, requestURI }) => `${verb} ${requestURI}`),
    renewals: idle.filter((line) => isUpkeep(line) && line.verb === 'update').length,
    watchesEnded: idle.filter(({ verb }) => verb === 'watch').length,
    left: queue
      .times()
      .map((at) => at - reported)
      .sort((a, b) => a - b),
    appliedMs,
    bareMs: await patchAll(here, names),
  }
}

const until = (what: string, look: () => Promise<{ isSo: boolean; last: unknown }>): Promise<true> =>
  eventually(
    `expected ${what}`,
    async () => {
      await sleep(100)
      const { isSo, last } = await look()
      return { found: isSo || undefined, last }
    },
    120_000,
  )

/** Each by one of so many workers. */
async function sharedOut<T>(items: readonly T[], workers: number, act: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const work = async (): Promise<void> => {
    for (const item of left) await act(item)
  }
  await Promise.all(Array.from({ length: workers }, work))
}

/** How long it takes to write each of the requests once more, without Karma. */
async function patchAll(here: Namespace, names: readonly string[]): Promise<number> {
  const begun = performance.now()
  const metadata = { annotations: { 'example.com/bare': 'x'.repeat(1_000) } }
  await sharedOut(names, sideBySide, (name) => here.patch('ChangeRequest', name, { metadata }))
  return performance.now() - begun
}

interface AuditLine {
  readonly verb: string
  readonly requestURI: string
  readonly requestReceivedTimestamp: string
  readonly objectRef?: { readonly resource: string; readonly name?: string }
}

/** What Karma asked of the API server, received in these milliseconds since 1970. Needs the audit log. */
const askedBetween = (karma: Karma, from: number, to: number): AuditLine[] =>
  readFileSync(karma.controlPlane.auditLogPath, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"userAgent":"karma"'))
    .map((line) => JSON.parse(line) as AuditLine)
    .filter((line) => {
      const at = Date.parse(line.requestReceivedTimestamp)
      return at >= from && at < to
    })

/** Renewals of the lead, and watches that end by themselves and begin anew: what an operator does that has nothing to do. */
const isUpkeep = ({ verb, objectRef }: AuditLine): boolean =>
  verb === 'watch' || (verb === 'update' && objectRef?.resource === 'leases' && objectRef.name === 'karma-leader')

/**
 * Which requests are Queued, by a watch, and when each of them stopped to be. The API server ends a watch that does not keep
 * up with a burst; then they are listed, and watched from there on.
 */
async function watchQueue(karma: Karma, path: string) {
  const { url, ca, token } = karma.controlPlane
  const query = 'fieldSelector=status.phase%3DQueued'
  const names = new Set<string>()
  const times: number[] = []
  let asked: ClientRequest | undefined
  let isOpen = true
  const leaves = (name: string): void => {
    if (names.delete(name)) times.push(performance.now())
  }
  const list = async (): Promise<{ names: string[]; version: string }> => {
    const { body } = await karma.api.get(`${path}?${query}`)
    return { names: body.items.map(({ metadata }: Named) => metadata.name), version: body.metadata.resourceVersion }
  }
  const watchFrom = (version: string): void => {
    const from = `${url}${path}?watch=1&${query}&resourceVersion=${version}`
    asked = get(from, { ca, headers: { authorization: `Bearer ${token}` }, agent: false })
    asked.on('error', () => {})
    asked.on('response', (answer) => {
      const lines = createInterface(answer)
      lines.on('error', () => {})
      lines.on('line', (line) => {
        const { type, object } = JSON.parse(line)
        if (type === 'DELETED') leaves(object.metadata.name)
      })
    })
    asked.on('close', () => void again())
  }
  const again = async (): Promise<void> => {
    if (!isOpen) return
    const { names: still, version } = await list()
    for (const name of [...names].filter((one) => !still.includes(one))) leaves(name)
    watchFrom(version)
  }
  const { names: first, version } = await list()
  for (const name of first) names.add(name)
  watchFrom(version)
  const close = (): void => {
    isOpen = false
    asked?.destroy()
  }
  return { size: () => names.size, times: () => times, close }
}

interface Named {
  readonly metadata: { readonly name: string }
}
