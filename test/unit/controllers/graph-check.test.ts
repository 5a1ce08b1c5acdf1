import assert from 'node:assert/strict'
import { rebuildAnnotation } from '../../../operator/api/annotations.ts'
import type { EnvironmentStatus } from '../../../operator/api/kinds.generated.ts'
import { failure, type Result, success } from '../../../operator/api/result.ts'
import { makeGraphCheck } from '../../../operator/controllers/graph-check.ts'
import { makeOutages } from '../../../operator/controllers/outages.ts'
import { makeRepairs } from '../../../operator/controllers/repairs.ts'
import { makeGraph } from '../../../operator/core/graph/graph.ts'
import { makeView } from '../../../operator/core/graph/view.ts'
import type { Head } from '../../../operator/ports/graph.ts'
import { anEnvironment } from '../../support/builders.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

const times = { everyMs: 60_000, keepVersions: 7 }

interface World {
  readonly status?: EnvironmentStatus
  readonly found?: Result<Head>
  readonly isWhole?: boolean
  /** the sum that the head says */
  readonly said?: string
  /** what a change makes of the Environment while the store is read */
  readonly meanwhile?: EnvironmentStatus
  /** the version of the head once the store was read */
  readonly after?: number
  /** a change passes each time that the store is read */
  readonly isBusy?: boolean
  /** how long the store is read */
  readonly reading?: Promise<void>
  readonly isRepairing?: boolean
  readonly inProcess?: boolean
  readonly isBuilt?: boolean
  readonly viewed?: Result<never>
  readonly asked?: string
  /** the first times that it is asked for its head */
  readonly away?: number
}

const makeWorld = ({ status = { version: 3 }, isWhole = true, inProcess = false, ...more }: World) => {
  const { caches, put } = makeFakeCaches()
  const annotate = (asked: string | undefined) =>
    put('Environment', {
      ...anEnvironment({}, status),
      metadata: {
        name: 'dev',
        namespace: 'dev',
        ...(asked !== undefined && { annotations: { [rebuildAnnotation]: asked } }),
      },
    })
  annotate(more.asked)
  const done: string[] = []
  let version = 3
  let left = more.away ?? 0
  const outages = makeOutages({ after: () => () => {}, onChange: () => {} })
  const { check, heed } = makeGraphCheck({
    caches,
    times: inProcess ? undefined : times,
    graph: {
      head: async () => (left-- > 0 ? away : success({ epoch: 'e', version, sum: more.said ?? 'abc' })),
      async audit() {
        done.push('audit')
        version = more.after ?? version
        if (more.isBusy) put('Environment', anEnvironment({}, { version: ++version }))
        if (more.meanwhile) put('Environment', anEnvironment({}, more.meanwhile))
        await more.reading
        return more.found ?? success({ epoch: 'e', version: 3, sum: 'abc' })
      },
      async compact(_, keep) {
        done.push(`compact ${keep}`)
        return success(undefined)
      },
    },
    isWhole: () => isWhole,
    isRepairing: () => more.isRepairing === true,
    outages,
    graphs: {
      sum: () => 'abc',
      distrust: (key) => void done.push(`distrust ${key}`),
      isBuilt: () => more.isBuilt === true,
      async viewAt(key, version, changeId) {
        done.push(`load ${key} ${version} ${changeId}`)
        return more.viewed ?? success({ view: makeView(makeGraph().arrays), from: 'Process' })
      },
    },
  })
  const look = async () => {
    const outcome = await check('dev/dev', makeCollectedLog())
    return [outcome.kind === 'after' ? outcome.ms : outcome.kind, ...done.splice(0)]
  }
  return { look, annotate, heed, done, outages }
}

const away = failure({ reason: 'GraphUnavailable', message: 'away', retry: true, cause: 'db gives no answer' })

describe('controllers/graph-check', () => {
  const head = (version: number, sum: string) => success({ epoch: 'e', version, sum })
  const tooLarge = failure({ reason: 'GraphTooLarge', message: 'too large', retry: false })
  const soon = 5_000
  const cases: [title: string, world: World, expected: (string | number)[]][] = [
    ['a store that is as committed is compacted', {}, [60_000, 'compact 7', 'audit']],
    [
      'one of an older version is set right',
      { found: head(2, 'abc') },
      [60_000, 'compact 7', 'audit', 'distrust dev/dev'],
    ],
    ['one of a newer version is, too', { found: head(4, 'abc') }, [60_000, 'compact 7', 'audit', 'distrust dev/dev']],
    ['one of other content is, too', { found: head(3, 'abd') }, [60_000, 'compact 7', 'audit', 'distrust dev/dev']],
    [
      'one whose head says something else of it is, too',
      { said: 'abd' },
      [60_000, 'compact 7', 'audit', 'distrust dev/dev'],
    ],
    [
      'one that was set right while it was read is read again',
      { found: head(2, 'abc'), after: 4 },
      [soon, 'compact 7', 'audit'],
    ],
    [
      'one that is known to differ is left to whoever sets it right',
      { found: head(2, 'abc'), isRepairing: true },
      [soon, 'compact 7'],
    ],
    ['one that does not answer says nothing', { found: away }, [soon, 'compact 7', 'audit']],
    [
      'one that cannot be read whole is not asked for it again and again',
      { found: tooLarge },
      [60_000, 'compact 7', 'audit'],
    ],
    [
      'while a version is being written, or not all of it is known, nothing is compared',
      { isWhole: false },
      [soon, 'compact 7'],
    ],
    ['nor when changes have passed meanwhile', { meanwhile: { version: 4 } }, [soon, 'compact 7', 'audit']],
    [
      'nothing is compacted by a head that somebody else has written',
      { status: { version: 2 } },
      [60_000, 'audit', 'distrust dev/dev'],
    ],
    ['a graph in process has nobody else who writes it', { inProcess: true, isBuilt: true }, ['done']],
    [
      'it is loaded before anybody needs it',
      { inProcess: true, status: { version: 3, applying: [{ kind: 'ChangeRequest', name: 'x', uid: 'u' }] } },
      ['done', 'load dev/dev 3 u'],
    ],
    ['and again when that did not do', { inProcess: true, viewed: away }, [soon, 'load dev/dev 3 ']],
    ['but not while a version is being written', { inProcess: true, isWhole: false }, [soon]],
    ['but may be asked to be built anew', { inProcess: true, asked: 'now' }, [soon, 'distrust dev/dev']],
    [
      'what was asked for and done is not done again',
      { asked: 'now', status: { version: 3, graphRebuilt: 'now' } },
      [60_000, 'compact 7', 'audit'],
    ],
  ]
  for (const [title, world, expected] of cases) {
    it(title, async () => assert.deepEqual(await makeWorld(world).look(), expected))
  }

  it('a busy environment is read ever more seldom, and compacted once for each time that it is to be compared', async () => {
    const { look } = makeWorld({ isBusy: true })
    const looks: (string | number)[][] = []
    for (let n = 0; n < 6; n++) looks.push(await look())
    assert.deepEqual(looks, [
      [5_000, 'compact 7', 'audit'],
      [10_000, 'audit'],
      [20_000, 'audit'],
      [40_000, 'audit'],
      [60_000, 'audit'],
      [5_000, 'compact 7', 'audit'],
    ])
  })

  it('is built anew at once when somebody asks, while another one is read', async () => {
    const reading = Promise.withResolvers<void>()
    const { look, heed, annotate, done } = makeWorld({ reading: reading.promise })
    const looking = look()
    annotate('now')
    assert.deepEqual([heed('dev/dev'), heed('dev/dev')], [true, false])
    assert.deepEqual(
      done.filter((one) => one.startsWith('distrust')),
      ['distrust dev/dev'],
    )
    reading.resolve()
    await looking
  })

  it('builds anew once for each time it is asked', async () => {
    const { look, annotate } = makeWorld({ asked: 'now', inProcess: true, isBuilt: true })
    assert.deepEqual(await look(), [soon, 'distrust dev/dev'])
    assert.deepEqual(await look(), ['done'])
    annotate('again')
    assert.deepEqual(await look(), [soon, 'distrust dev/dev'])
  })

  it('one that is away is told of, and asked until it answers', async () => {
    const { look, outages } = makeWorld({ away: 2 })
    for (const _ of [1, 2]) {
      assert.deepEqual(await look(), [soon])
      assert.match(outages.why('dev/dev') ?? '', /db gives no answer/)
    }
    assert.deepEqual(await look(), [60_000, 'compact 7', 'audit'])
    assert.equal(outages.why('dev/dev'), undefined)
  })

  it('one that answers, and cannot be read whole, is told of as long as that is so', async () => {
    const { look, outages } = makeWorld({ found: tooLarge })
    for (const _ of [1, 2]) {
      assert.deepEqual(await look(), [60_000, 'compact 7', 'audit'])
      assert.equal(outages.why('dev/dev'), 'too large')
    }
  })
})

describe('controllers/repairs', () => {
  const [found, made] = [
    { epoch: 'e', version: 3, sum: 'abc' },
    { epoch: 'f', version: 4, sum: 'def' },
  ]

  it('an environment is looked at once when it is found to differ, until it does not', () => {
    const looked: string[] = []
    const repairs = makeRepairs({ holder: 'me', onNeeded: (key) => void looked.push(key) })
    repairs.note('dev/dev')
    repairs.note('dev/dev')
    assert.deepEqual([looked, repairs.isNeeded('dev/dev'), repairs.isNeeded('dev/live')], [['dev/dev'], true, false])
    repairs.settled('dev/dev')
    assert.equal(repairs.isNeeded('dev/dev'), false)
    repairs.note('dev/dev')
    assert.deepEqual(looked, ['dev/dev', 'dev/dev'])
  })

  it('what was set right is told once, the newest where nothing is written for long', () => {
    const repairs = makeRepairs({ holder: 'me', onNeeded: () => {} })
    for (const asked of ['first', 'second', 'third']) repairs.storeBuilt('dev/dev', { found, made, asked })
    const untold = repairs.untold('dev/dev')
    assert.deepEqual(
      untold.map(({ attrs }) => attrs?.asked),
      ['second', 'third'],
    )
    assert.equal(untold[0]?.message, 'the store said version 3, sum abc; it says version 4, sum def now, as committed')
    repairs.mirrorBuilt('dev/dev', found)
    repairs.told('dev/dev', untold)
    assert.deepEqual(
      repairs.untold('dev/dev').map(({ attrs }) => attrs?.what),
      ['mirror'],
    )
    assert.equal(repairs.asked('dev/dev'), 'third')
  })
})
