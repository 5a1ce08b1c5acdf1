import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiOf } from '../support/api.ts'
import type { Effect } from '../support/crash-effects.ts'
import type { Fault } from '../support/crash-fault.ts'
import { type Contender, type Lane, startLane } from '../support/crash-lane.ts'
import { type Played, playTogether, type Run } from '../support/crash-run.ts'
import type { Trace } from '../support/crash-trace.ts'
import { type Workload, workloads } from '../support/crash-workloads.ts'
import { shortLeases } from '../support/operator-process.ts'
import { type ApiProxy, proxiesAsOne } from '../support/proxy.ts'
import type { Random } from './random.ts'

/*
 * Locks: several operators contend for the lead and for environments. Whoever acts is disturbed in the middle of an
 * effect; the request that it was about to send arrives late, when others have gone on. Whatever they believe to hold,
 * each effect must take place once, and the end must be that of one operator alone.
 */

export const nemeses = [
  /** SIGSTOP until another one leads, then SIGCONT */
  'stopped',
  /** nothing of it gets through until another one leads */
  'partitioned',
  /** its renewals arrive, and their answers do not */
  'renewals lost',
  /** Leases are deleted under it */
  'Leases deleted',
  'killed',
  /** From before the workloads begin the others hear nothing of Components; it is killed, and they do when one of them leads. */
  'killed, others behind',
  'API server killed',
] as const
export type Nemesis = (typeof nemeses)[number]

export interface Episode {
  readonly nemesis: Nemesis
  readonly effect: Effect
  readonly position: 'before' | 'during'
  readonly workloads: readonly string[]
}

/** What one lane has: how many operators, and whether their clocks go wrong. */
export interface Contest {
  readonly contenders: number
  readonly clocks: 'right' | 'wrong'
  readonly episodes: readonly Episode[]
}

/** Writes of which it matters who carries them out. */
const contested: Readonly<Record<string, readonly Effect[]>> = {
  creation: ['claim', 'publish creation', 'committed creation'],
  change: ['write ahead', 'publish change', 'spec', 'committed change', 'finish', 'clear'],
}
const sideBySide: Readonly<Record<string, readonly string[]>> = {
  creation: ['creation', 'creation held back'],
  change: ['change', 'set', 'rollback'],
}
const places = Object.entries(contested).flatMap(([kind, effects]) =>
  effects.map((effect) => ({ effect, workloads: sideBySide[kind]! })),
)

export const contestsOf = (random: Random, episodes: number): Contest[] => {
  const order = random.shuffled(places)
  const all = Array.from({ length: episodes }, (_, index): Episode => {
    const place = order[(index + Math.floor(index / nemeses.length)) % order.length]!
    return {
      nemesis: nemeses[index % nemeses.length]!,
      ...place,
      position: random.pick(['before', 'before', 'during']),
    }
  })
  const mixed = random.shuffled(all)
  const parts = [
    { contenders: 2, clocks: 'right' },
    { contenders: 3, clocks: 'wrong' },
    { contenders: 5, clocks: 'right' },
  ] as const
  return parts.map((part, at) => ({ ...part, episodes: mixed.filter((_, index) => index % parts.length === at) }))
}

const clockFile = resolve(import.meta.dirname, 'clock.ts')
/** Each contender's own: one jumps by an hour, one goes at half the speed, one at twice. */
const wrongClocks: readonly Readonly<Record<string, string>>[] = [
  { KARMA_TEST_CLOCK_JUMP_MS: '3600000' },
  { KARMA_TEST_CLOCK_RATE: '0.5' },
  { KARMA_TEST_CLOCK_RATE: '2' },
].map((clock) => ({ ...clock, NODE_OPTIONS: `--import=${clockFile}` }))

export interface ContestOutcome {
  readonly violations: readonly string[]
  /** episodes that struck, by nemesis */
  readonly struck: ReadonlyMap<Nemesis, number>
  /** how often somebody took a Lease */
  readonly acquisitions: number
}

export const runContest = async (
  contest: Contest,
  {
    program,
    patienceMs,
    untilViolation = false,
    print,
  }: {
    program?: string | undefined
    patienceMs?: number
    untilViolation?: boolean
    print: (line: string) => void
  },
): Promise<ContestOutcome> => {
  const podOf = (index: number) => ({ POD_NAME: `contender-${index}` })
  const env = { ...shortLeases, KARMA_LINGER_MS: '100', ...podOf(0) }
  const clocks = (index: number): Readonly<Record<string, string>> =>
    contest.clocks === 'wrong' ? wrongClocks[index % wrongClocks.length]! : {}
  const also = Array.from({ length: contest.contenders - 1 }, (_, index) => ({ ...clocks(index), ...podOf(index + 1) }))
  const lane = await startLane({ name: 'locks', env, also, program, patienceMs })
  let actor = 0
  const proxy = proxiesAsOne(
    lane.contenders.map((one) => one.proxy),
    (index) => {
      actor = index
    },
  )
  const together: Lane = { ...lane, proxy }
  const struck = new Map<Nemesis, number>()
  const violations: string[] = []
  try {
    for (const { operator } of lane.contenders) operator.start()
    const references = await referencesOf(together, contest)
    for (const episode of contest.episodes) {
      if (untilViolation && violations.length > 0) break
      const thaw = episode.nemesis === 'killed, others behind' ? await leaveBehind(lane) : () => {}
      const strike = async (): Promise<void> => {
        struck.set(episode.nemesis, (struck.get(episode.nemesis) ?? 0) + 1)
        await strikes[episode.nemesis](lane, lane.contenders[actor]!).catch((cause) => violations.push(cause.message))
        thaw()
      }
      const found = await playEpisode(together, episode, references, strike).finally(thaw)
      for (const violation of found) {
        const said = `${episode.nemesis} ${episode.position} "${episode.effect}", ${contest.contenders} contenders: ${violation}`
        violations.push(said)
        print(said)
      }
    }
    const acquisitions = lane.writes().filter(({ effect }) => effect === 'lead' || effect === 'lock').length
    return { violations, struck, acquisitions }
  } finally {
    await lane.stop()
  }
}

const workloadOf = (name: string): Workload => workloads.find((one) => one.name === name)!

const referencesOf = async (lane: Lane, { episodes }: Contest): Promise<ReadonlyMap<string, Trace>> => {
  const names = [...new Set(episodes.flatMap(({ workloads: needed }) => needed))]
  const runs = await playTogether(
    lane,
    names.map((name) => ({ workload: workloadOf(name), faults: [] })),
  )
  return new Map(names.map((name, index) => [name, runs[index]!.trace]))
}

const playEpisode = async (
  lane: Lane,
  { effect, position, workloads: names }: Episode,
  references: ReadonlyMap<string, Trace>,
  strike: () => Promise<void>,
): Promise<string[]> => {
  const fault: Fault = { effect, position, deed: { do: 'hold' } }
  const plays = names.map(
    (name): Played => ({ workload: workloadOf(name), faults: [fault], reference: references.get(name) }),
  )
  const runs: readonly Run[] = await playTogether(lane, plays, strike)
  return runs.flatMap(({ violations }, index) => violations.map((violation) => `${names[index]}: ${violation}`))
}

const leaderOf = ({ recorder }: Pick<Lane, 'recorder'>): string =>
  recorder.latest('Lease', 'karma-system', 'karma-leader')?.spec.holderIdentity ?? ''

/** Until the returned function is called, those who do not lead hear nothing of Components. */
const leaveBehind = async ({ recorder, contenders }: Lane): Promise<() => void> => {
  const leader = await recorder.until('somebody leads', () => /^contender-(\d+)/.exec(leaderOf({ recorder }))?.[1])
  const others = contenders.filter((_, index) => index !== Number(leader))
  const thaws = others.map(({ proxy }) =>
    proxy.watches.freeze(({ verb, resource }) => verb === 'watch' && resource === 'components'),
  )
  const thaw = (): void => {
    clearTimeout(last)
    for (const one of thaws) one()
  }
  // Should one of them come to lead before its time, it would wait for ever.
  const last = setTimeout(thaw, behindMs)
  return thaw
}
/** Longer than workloads take to come to the effect that is struck, and what becomes of that. */
const behindMs = 25_000

/** Another one has the lead, and has had a moment to use it. */
const overtaken = async (lane: Lane): Promise<void> => {
  const before = leaderOf(lane)
  await lane.recorder.until('another one leads', () => {
    const now = leaderOf(lane)
    return now !== '' && now !== before ? true : undefined
  })
  await sleep(lateMs)
}
/** Long enough for a new leader to lock, claim and write, so that what arrives late meets that. */
const lateMs = 4_500

const blocked = (proxy: ApiProxy): (() => void) => proxy.onRequest(() => ({ kind: 'cut-before' }))

/** What happens to the one who acts. Its request is held meanwhile, and arrives afterwards. */
const strikes: Readonly<Record<Nemesis, (lane: Lane, actor: Contender) => Promise<void>>> = {
  stopped: async (lane, { operator }) => {
    operator.signal('SIGSTOP')
    try {
      await overtaken(lane)
    } finally {
      // Its timers and the answer that it waits for come at once.
      setTimeout(() => operator.signal('SIGCONT'), 50)
    }
  },
  partitioned: async (lane, { proxy }) => {
    const heal = blocked(proxy)
    proxy.watches.cut()
    try {
      await overtaken(lane)
    } finally {
      heal()
    }
  },
  'renewals lost': async (_, { proxy }) => {
    const off = proxy.onRequest(({ verb, resource }) =>
      resource === 'leases' && verb === 'update' ? { kind: 'cut-after' } : undefined,
    )
    await sleep(3_500)
    off()
  },
  'Leases deleted': async ({ controlPlane, recorder }) => {
    const api = apiOf(controlPlane.kubeconfig)
    try {
      for (const { metadata } of recorder.everywhere('Lease')) {
        if (!metadata.name.startsWith('karma-')) continue
        await api.remove(`/apis/coordination.k8s.io/v1/namespaces/${metadata.namespace}/leases/${metadata.name}`)
      }
    } finally {
      await api.close()
    }
    await sleep(500)
  },
  killed: async (lane, { operator }) => {
    await operator.kill()
    await overtaken(lane)
  },
  'killed, others behind': async (lane, { operator }) => {
    await operator.kill()
    await overtaken(lane)
  },
  'API server killed': async ({ controlPlane, contenders }) => {
    const heal = contenders.map(({ proxy }) => blocked(proxy))
    try {
      await controlPlane.restartApiServer('SIGKILL')
      // The recorder watches again before anything more is written.
      await sleep(1_000)
    } finally {
      for (const one of heal) one()
    }
  },
}
