import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClickHouseHttp, startClickHouseHttp, users } from '../cluster/clickhouse-http.ts'
import { type Broker, startBroker } from '../cluster/kafka.ts'
import { type Effect, effectOf } from '../support/crash-effects.ts'
import { type Lane, startLane } from '../support/crash-lane.ts'
import type { Stage } from '../support/crash-stage.ts'
import { eventsIn } from '../support/crash-trace.ts'
import { type HttpProxy, startHttpProxy } from '../support/http-proxy.ts'
import { type KafkaProxy, startKafkaProxy } from '../support/kafka-proxy.ts'
import { plainKafka, recordsOf } from '../support/kafka-records.ts'
import { shortLeases } from '../support/operator-process.ts'
import type { Strike } from '../support/strikes.ts'
import type { Random } from './random.ts'

/**
 * Telling: status -> Kafka -> ledger, with kills at each step, and everything else that makes messages come twice, late or
 * in another order. In the end the transitions in etcd, the distinct ids in Kafka and the distinct rows of the ledger
 * are the same, and as many as the requests that were made must have.
 */
export const steps = ['status', 'publish', 'place', 'insert', 'commit', 'let go'] as const
export type Step = (typeof steps)[number]
const positions = ['before', 'during', 'after'] as const
type Position = (typeof positions)[number]
export const disturbances = ['rewind', 'repeat', 'reorder', 'bus away', 'ledger away'] as const
type Disturbance = (typeof disturbances)[number]

interface Kill {
  readonly step: Step
  readonly position: Position
}

/** One namespace: so many requests, of which some are deleted again, and what strikes meanwhile. */
export interface Telling {
  readonly requests: number
  readonly removed: number
  /** one after the other */
  readonly kills: readonly Kill[]
  readonly disturbance?: Disturbance
  readonly restart?: 'broker' | 'engine'
}

/**
 * `whole`: 126 kills, 200 pairs of kills, 100 disturbances, 4 restarts; `sample`: a kill at each step, what rewinds, and a
 * bus that is away.
 */
export const tellingsOf = (random: Random, size: 'whole' | 'sample'): Telling[] => {
  const one = (kills: readonly Kill[], rest: Partial<Telling> = {}): Telling => {
    const requests = 1 + random.below(4)
    const isLetGo = kills.some(({ step }) => step === 'let go')
    return { requests, removed: isLetGo ? requests : random.below(requests + 1), kills, ...rest }
  }
  const kill = (): Kill => ({ step: random.pick(steps), position: random.pick(positions) })
  const each = steps.flatMap((step) => positions.map((position) => one([{ step, position }])))
  const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
  if (size === 'sample') {
    const disturbed = (['rewind', 'bus away'] as const).map((disturbance) => one([], { disturbance }))
    return random.shuffled([...steps.map((step) => one([{ ...kill(), step }])), ...disturbed])
  }
  return random.shuffled([
    ...times(7, () => each).flat(),
    ...times(200, () => one([kill(), kill()])),
    ...times(100, (i) => one([], { disturbance: disturbances[i % disturbances.length]! })),
    ...times(4, (i) => one([], { restart: i % 2 === 0 ? 'broker' : 'engine' })),
  ])
}

/** What struck how often, and what came of it. */
export const tellingTable = (outcomes: readonly TellingOutcome[]): string => {
  const count = (what: string): number => outcomes.reduce((sum, { hits }) => sum + (hits.get(what) ?? 0), 0)
  const line = (what: string, counts: readonly (number | string)[]): string =>
    what.padEnd(18) + counts.map((one) => String(one).padStart(8)).join('')
  const total = (field: 'events' | 'records'): number => outcomes.reduce((sum, outcome) => sum + outcome[field], 0)
  return [
    line('killed at', positions),
    ...steps.map((step) =>
      line(
        step,
        positions.map((position) => count(`${step} ${position}`)),
      ),
    ),
    '',
    ...[...disturbances, 'broker restarted', 'engine restarted'].map((what) => line(what, [count(what)])),
    '',
    `${total('events')} events, ${total('records')} records in Kafka`,
  ].join('\n')
}

/** What these runs were to do and never did. */
export const tellingMisses = (outcomes: readonly TellingOutcome[], tellings: readonly Telling[]): string[] => {
  const wanted = new Set(
    tellings.flatMap(({ kills: [first], disturbance, restart }) => [
      ...(first ? [`${first.step} ${first.position}`] : []),
      ...(disturbance ? [disturbance] : []),
      ...(restart ? [`${restart} restarted`] : []),
    ]),
  )
  return [...wanted].filter((what) => !outcomes.some(({ hits }) => hits.has(what))).map((what) => `never: ${what}`)
}

/** Of a file beside a bug: `{tellings: [...]}`. */
export const readTellings = (path: string): Telling[] =>
  (JSON.parse(readFileSync(path, 'utf8')) as { tellings: Telling[] }).tellings

interface Place {
  readonly lane: Lane
  readonly broker: Broker
  readonly kafka: KafkaProxy
  readonly engine: ClickHouseHttp
  readonly ledger: HttpProxy
}

export interface TellingOutcome {
  readonly faults: readonly string[]
  /** by step and position, by disturbance, by restart */
  readonly hits: ReadonlyMap<string, number>
  /** distinct events, and records in Kafka */
  readonly events: number
  readonly records: number
}

const topic = 'events.normalized'
const group = `karma-ledger.${topic}`

export const runTellings = async ({
  tellings,
  name,
  program,
  patienceMs = 120_000,
  print,
}: {
  tellings: readonly Telling[]
  name: string
  program?: string
  patienceMs?: number
  print: (line: string) => void
}): Promise<TellingOutcome> => {
  const faults: string[] = []
  const hits = new Map<string, number>()
  const hit = (what: string): void => void hits.set(what, (hits.get(what) ?? 0) + 1)
  const kafka = await startKafkaProxy(() => broker.port)
  const broker = await startBroker({ advertised: kafka.port })
  const engine = await startClickHouseHttp()
  const ledger = await startHttpProxy(engine.url)
  const { user, password } = users.writer
  const env = {
    ...shortLeases,
    KARMA_KAFKA_BROKERS: `127.0.0.1:${kafka.port}`,
    KARMA_LEDGER_URL: ledger.url,
    KARMA_LEDGER_USER: user,
    KARMA_LEDGER_PASSWORD: password,
  }
  const lane = await startLane({ name, env, program, patienceMs })
  const place: Place = { lane, broker, kafka, engine, ledger }
  const expected = new Map<string, number>()
  try {
    lane.operator.start()
    for (const [i, telling] of tellings.entries()) {
      if (i > 0 && i % 10 === 0) print(`${i} of ${tellings.length} runs`)
      const stage = await lane.stage()
      expected.set(stage.namespace, telling.requests)
      const missed = await runOne(place, stage, telling, hit, patienceMs)
      faults.push(...missed.map((one) => `${stage.namespace}: ${one}`))
    }
    const { events, records } = await compare(place, expected, faults)
    return { faults, hits, events, records }
  } finally {
    await lane.stop()
    await ledger.close()
    await engine.close()
    await broker.close()
    await kafka.close()
  }
}

/** Gives what never struck, or never came. */
const runOne = async (
  place: Place,
  stage: Stage,
  { requests, removed, kills, disturbance, restart }: Telling,
  hit: (what: string) => void,
  patienceMs: number,
): Promise<string[]> => {
  const names = Array.from({ length: requests }, (_, i) => `r-${i + 1}`)
  const [first, ...others] = kills.map((kill) => arm(place, stage.namespace, kill))
  const disturbed = disturbance ? await disturb(place, stage, disturbance) : undefined
  const create = async (): Promise<void> => {
    for (const name of names) await stage.request(name, { component: 'nobody/nowhere', proposedChange: { a: 1 } })
    for (const name of names) await stage.phase(name, 'Rejected')
    for (const name of names.slice(0, removed)) await stage.removeRequest(name)
  }
  const creating = create()
  creating.catch(() => {})
  const missed: string[] = []
  for (const strike of first === undefined ? [] : [first, ...others]) {
    strike.begin()
    const struck = await Promise.race([strike.struck.then(() => true), sleep(patienceMs / 2, false, { ref: false })])
    strike.end()
    if (struck) hit(`${strike.kill.step} ${strike.kill.position}`)
    // The second may have nothing left to strike at: everything is told by then.
    else if (strike === first) missed.push(`never struck: ${strike.kill.step} ${strike.kill.position}`)
  }
  if (restart === 'broker') await place.broker.kill().then(() => place.broker.restart())
  if (restart === 'engine') await place.engine.restart()
  if (restart) hit(`${restart} restarted`)
  await creating.catch((error: Error) => missed.push(error.message))
  for (const name of names.slice(0, removed))
    await stage.gone('ChangeRequest', name).catch((error: Error) => missed.push(error.message))
  await disturbed?.().catch((error: Error) => missed.push(error.message))
  if (disturbance) hit(disturbance)
  return missed
}

interface Armed {
  readonly kill: Kill
  /** from now on it strikes */
  begin(): void
  readonly struck: Promise<void>
  end(): void
}

/** What is struck in the words of the API server's proxy. */
const written: Readonly<Partial<Record<Step, Effect>>> = {
  status: 'reject',
  place: 'place',
  'let go': 'let request go',
}

const arm = ({ lane, kafka, ledger }: Place, namespace: string, kill: Kill): Armed => {
  const struck = Promise.withResolvers<void>()
  let isDue = false
  const die = async (): Promise<void> => {
    await lane.operator.kill()
    struck.resolve()
  }
  const strike = (): Strike | undefined => {
    if (!isDue) return undefined
    isDue = false
    return { position: kill.position, run: die }
  }
  const effect = written[kill.step]
  const offs = [
    kafka.onRequest((api) => {
      const wanted = kill.step === 'publish' ? 'Produce' : kill.step === 'commit' ? 'OffsetCommit' : undefined
      return api === wanted ? strike() : undefined
    }),
    ledger.onRequest(({ url, body }) => {
      if (kill.step !== 'insert') return undefined
      const query = new URL(url, ledger.url).searchParams.get('query') ?? body.slice(0, 200)
      return query.includes('INSERT INTO karma.events') ? strike() : undefined
    }),
    lane.proxy.onRequest((request) => {
      const isOwn = request.namespace === namespace || kill.step === 'place'
      if (effect === undefined || !isOwn || effectOf(request) !== effect || !strike()) return undefined
      if (kill.position === 'before') return { kind: 'delay', until: die(), next: { kind: 'cut-before' } }
      return kill.position === 'during' ? { kind: 'instead-of-answer', run: die } : { kind: 'after', run: die }
    }),
  ]
  return {
    kill,
    begin: () => {
      isDue = true
    },
    struck: struck.promise,
    end: () => {
      isDue = false
      for (const off of offs) off()
    },
  }
}

/** Begins it, and gives what ends it. */
const disturb = async (
  { lane, broker, kafka, ledger }: Place,
  stage: Stage,
  how: Disturbance,
): Promise<() => Promise<unknown>> => {
  const send = async (change: (values: Buffer[]) => Buffer[]): Promise<void> => {
    const own = (await recordsOf(broker.address, topic)).filter(({ key }) =>
      key?.toString().startsWith(`${stage.namespace}/`),
    )
    const producer = plainKafka(broker.address).producer()
    await producer.connect()
    const messages = change(own.flatMap(({ value }) => value ?? [])).map((value) => ({
      key: (JSON.parse(value.toString()) as { entity_id: string }).entity_id,
      value,
    }))
    await producer.send({ topic, messages })
    await producer.disconnect()
  }
  switch (how) {
    case 'bus away': {
      await stage.environment()
      kafka.away = true
      const said = stage.environmentSays('EventsPublished', 'False').finally(() => {
        kafka.away = false
      })
      said.catch(() => {})
      return () => said.then(() => stage.environmentSays('EventsPublished', 'True'))
    }
    case 'ledger away':
      ledger.away = true
      void sleep(1_500).then(() => {
        ledger.away = false
      })
      return async () => {}
    case 'repeat':
      return () => send((values) => [...values, ...values])
    case 'reorder':
      return () => send((values) => values.toReversed())
    case 'rewind':
      return async () => {
        await lane.operator.end()
        const admin = plainKafka(broker.address).admin()
        await admin.connect()
        // Those that were killed are members for as long as a session lasts.
        while ((await admin.describeGroups([group])).groups[0]?.state !== 'Empty') await sleep(250)
        await admin.resetOffsets({ groupId: group, topic, earliest: true })
        await admin.disconnect()
        lane.operator.start()
      }
  }
}

/** Adds what differs. */
const compare = async (
  { lane, broker }: Place,
  expected: ReadonlyMap<string, number>,
  faults: string[],
): Promise<{ events: number; records: number }> => {
  // The ledger is the last to know: when it has everything, Kafka has.
  for (const namespace of expected.keys()) {
    const fault = await lane.ledgerFault(namespace)
    if (fault !== undefined) faults.push(fault)
  }
  const records = await recordsOf(broker.address, topic)
  const told = new Map<string, Map<string, string[]>>()
  for (const { key, value } of records) {
    const entity = key?.toString() ?? ''
    const { id, event_type } = JSON.parse(value?.toString() ?? '') as { id: string; event_type: string }
    const [namespace = ''] = entity.split('/')
    const own = told.get(namespace) ?? new Map<string, string[]>()
    told.set(namespace, own)
    const story = own.get(entity) ?? []
    own.set(entity, story)
    if (!story.includes(`${event_type} ${id}`)) story.push(`${event_type} ${id}`)
  }
  let events = 0
  for (const [namespace, requests] of expected) {
    const stories = [...(told.get(namespace)?.values() ?? [])]
    const ids = new Set(stories.flat().map((line) => line.split(' ')[1] ?? ''))
    const transitions = new Set(eventsIn(lane.recorder.states(namespace)).keys())
    events += ids.size
    const missing = [...transitions].filter((id) => !ids.has(id)).length
    const extra = [...ids].filter((id) => !transitions.has(id)).length
    if (missing + extra > 0)
      faults.push(`${namespace}: of ${transitions.size} events Kafka lacks ${missing}, and has ${extra} others`)
    const types = stories.map((story) => story.map((line) => line.split(' ')[0]).join(', ')).toSorted()
    const wanted = Array.from({ length: requests }, () => 'change.requested, change.rejected')
    if (types.join('; ') !== wanted.join('; ')) {
      faults.push(`${namespace}: expected ${requests} times ${wanted[0]}, found ${types.join('; ') || 'nothing'}`)
    }
  }
  return { events, records: records.length }
}
