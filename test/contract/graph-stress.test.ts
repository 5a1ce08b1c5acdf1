import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bytecode } from 'gremlin'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import { failure } from '../../operator/api/result.ts'
import { canonicalState } from '../../operator/core/graph/content.ts'
import type { GraphPatch, GraphStore } from '../../operator/ports/graph.ts'
import { type Random, randomOf } from '../faults/random.ts'
import { graphOver, type Submitting } from '../support/gremlin-graph.ts'
import { type Model, withPatch } from '../unit/core/graph/model.ts'
import { value } from './graph-store-steps.ts'
import { emptyServer } from './gremlin-server.ts'

/*
 * Three publishers on one environment, without a Lease, each of which steals the claim from the others at will, is
 * killed and paused in the middle, and gives requests up that land later. Whatever they do, a version that a reader can
 * see is whole, and stays as it was. Without the condition that every request carries it is not: the control must show that.
 */
const rounds = 40
/** enough to see that they go wrong */
const controlRounds = 15
const publishers = ['a', 'b', 'c']

interface Hits {
  late: number
  killed: number
  versions: number
  wrong: number
}

describe('three publishers without a Lease', () => {
  let connection: GremlinConnection
  before(async function () {
    this.timeout(300_000)
    ;({ connection } = await emptyServer())
  })

  const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED)

  it('never make a version wrong, whatever they leave half done', async function () {
    this.timeout(300_000)
    const hits = await stress(connection, randomOf(seed), rounds)
    console.log(`      seed ${seed}, hits ${JSON.stringify(hits)}`)
    assert.equal(hits.wrong, 0, `seed ${seed}`)
    for (const what of ['late', 'killed', 'versions'] as const) assert.ok(hits[what] > 5, `seed ${seed}: ${what}`)
  })

  it('do when their requests are not conditioned on the attempt (control)', async function () {
    this.timeout(300_000)
    const hits = await stress(unguarded(connection), randomOf(seed), controlRounds)
    console.log(`      seed ${seed}, hits ${JSON.stringify(hits)}`)
    assert.ok(hits.wrong > 0, `seed ${seed}: expected versions that are wrong, found none of ${hits.versions}`)
  })
})

async function stress(connection: Submitting, random: Random, rounds: number): Promise<Hits> {
  const environment = `dev/stress-${randomUUID()}`
  const hits: Hits = { late: 0, killed: 0, versions: 0, wrong: 0 }
  const store = graphOver(connection, 60)
  const models = new Map<number, Model>([[0, new Map()]])
  /** by change: for which version, and what; of earlier rounds too, whose last request may land in a later one */
  const asked = new Map<string, { readonly version: number; readonly patch: GraphPatch }>()
  const landing: Promise<unknown>[] = []
  let claim = 0

  for (let round = 0; round < rounds; round++) {
    const head = value(await store.head(environment)).version
    const version = head + 1
    await Promise.all(
      publishers.map(async (name) => {
        const patch = somePatch(random)
        const by = { changeId: `${name}-${round}`, claim: `${claim++}` }
        asked.set(by.changeId, { version, patch })
        const publisher = graphOver(erratic(connection, random, hits, landing), 60)
        await sleep(random.below(5))
        await publisher.publish(environment, version, patch, by)
      }),
    )
    const now = value(await store.head(environment)).version
    if (now === head) continue
    const [record] = value(await store.versions(environment, 1))
    const winner = asked.get(record?.changeId ?? '')
    if (now !== version || record?.version !== now || winner?.version !== now) {
      // Nobody who was asked for this version, or more than one, has moved the head: there is no telling what the next ones would be.
      hits.wrong++
      break
    }
    models.set(now, withPatch(models.get(head)!, winner.patch))
  }
  await Promise.all(landing)
  for (const [version, model] of models) {
    hits.versions++
    if (!(await isAs(store, environment, version, model))) hits.wrong++
  }
  return hits
}

/** Ten Components of thirty, with a reference or two each: three requests and more. */
const somePatch = (random: Random): GraphPatch =>
  Array.from({ length: 10 }, () => {
    const id = `dev/t/${random.below(30)}`
    if (random.below(8) === 0) return { id, removed: true as const }
    const edges = Array.from({ length: 1 + random.below(2) }, (_, n) => ({
      name: `r${n}`,
      to: `dev/t/${random.below(30)}`,
    }))
    return { id, type: 't', edges }
  })

/** A process that is slow, may end after any request, and may give one up that lands later. */
const erratic = (connection: Submitting, random: Random, hits: Hits, landing: Promise<unknown>[]): Submitting => {
  let left = random.below(3) === 0 ? random.below(14) : Number.POSITIVE_INFINITY
  return {
    async submit(bytecode, options) {
      if (left-- <= 0) {
        hits.killed += left === -1 ? 1 : 0
        return failure({ reason: 'GraphUnavailable', message: 'killed', retry: false, outcome: 'NotDone' })
      }
      await sleep(random.below(6))
      if (!options.write || random.below(8) > 0) return connection.submit(bytecode, options)
      hits.late++
      landing.push(sleep(random.below(120)).then(() => connection.submit(bytecode, options)))
      return failure({ reason: 'GraphUnavailable', message: 'given up', retry: true, outcome: 'Unknown' })
    },
  }
}

/** Only the mark is conditioned, on the version before. */
const unguarded = (connection: Submitting): Submitting => ({
  submit(bytecode, options) {
    const isCondition = ([step, key]: readonly unknown[]): boolean =>
      step === 'has' && (key === 'attempt' || key === 'claim')
    const { stepInstructions } = bytecode
    const stripped = Object.assign(Object.create(Object.getPrototypeOf(bytecode)) as Bytecode, bytecode, {
      stepInstructions: (stepInstructions as readonly (readonly unknown[])[]).filter((one) => !isCondition(one)),
    })
    return connection.submit(stripped, options)
  },
})

async function isAs(store: GraphStore, environment: string, version: number, model: Model): Promise<boolean> {
  const read = await store.view(environment, version)
  if (!read.ok) return false
  const { view } = read.value
  if (view.size !== model.size) return false
  return [...model.values()].every((state) => {
    const found = view.stateOf(state.id)
    return found !== undefined && canonicalState(found) === canonicalState(state)
  })
}
