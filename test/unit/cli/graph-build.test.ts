import assert from 'node:assert/strict'
import type { Environment } from '../../../operator/api/kinds.generated.ts'
import { failure, success } from '../../../operator/api/result.ts'
import type { Of } from '../../../operator/ports/cluster.ts'
import { anEnvironment } from '../../support/builders.ts'
import { typed } from '../../support/command-line.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

const asked = '2026-01-31T12:00:00.000Z'

interface World {
  /** after how many looks the operator has built it; absent: never */
  readonly builtAfter?: number
  /** and nothing differed */
  readonly isSame?: boolean
  readonly progress?: readonly { readonly done: number; readonly total: number }[]
  readonly forbidden?: readonly string[]
  readonly width?: number
}

const build = async (
  args: readonly string[],
  { builtAfter, isSame = false, progress = [], forbidden = [], width }: World,
) => {
  const environment: Environment = anEnvironment({}, { version: 4 })
  const memory = makeMemoryObjects({ Environment: [environment as Of<'Environment'>] }, { forbidden })
  let looks = 0
  memory.onTouch = () => {
    if (looks++ !== builtAfter) return
    const entry = { type: 'graph.repaired', attrs: JSON.stringify({ what: 'store', asked }), seq: 1, at: asked }
    const built = isSame ? {} : { version: 5, history: [entry] }
    environment.status = { ...environment.status, ...built, graphRebuilt: asked }
  }
  const steps = [...progress]
  let time = 0
  const said = await typed(['graph', 'build', ...args], {
    session: {
      objects: memory.objects,
      operator: async (path) => {
        assert.equal(path, '/api/v1/graph/progress?environment=dev%2Fdev')
        const next = steps.shift()
        return next ? success({ progress: next }) : failure({ reason: 'Unreachable', message: 'away', retry: true })
      },
    },
    monotonic: () => time,
    sleep: async (ms) => {
      time += ms
    },
    ...(width !== undefined && { width }),
  })
  return { ...said, written: memory.written }
}

describe('kubectl karma graph build', () => {
  it('asks by an annotation, and waits until that is answered', async () => {
    const { code, out, err, written } = await build([], { builtAfter: 4 })
    assert.deepEqual([code, out, err], [0, 'environment.usekarma.dev/dev graph built as version 5\n', ''])
    assert.deepEqual(written, [
      {
        what: 'patch Environment dev/dev',
        body: { metadata: { annotations: { 'usekarma.dev/rebuild-graph': asked } } },
      },
    ])
  })

  it('says when there was nothing to build', async () => {
    const { code, out } = await build([], { builtAfter: 4, isSame: true })
    assert.equal(code, 0)
    assert.equal(out, 'environment.usekarma.dev/dev graph is what is committed: there was nothing to build\n')
  })

  it('draws how far it is on a terminal, as long as the operator says so', async () => {
    const progress = [
      { done: 200, total: 1_000 },
      { done: 600, total: 1_000 },
    ]
    const { code, err } = await build([], { builtAfter: 4, progress, width: 60 })
    assert.equal(code, 0)
    const drawn = err.split('\r').slice(1)
    assert.deepEqual(drawn, [
      `[${'#'.repeat(7)}${' '.repeat(28)}]  200 of 1000 elements`,
      `[${'#'.repeat(21)}${' '.repeat(14)}]  600 of 1000 elements`,
      `[${'#'.repeat(35)}] 1000 of 1000 elements\n`,
    ])
  })

  it('does not wait when it is told so', async () => {
    const { code, out } = await build(['--wait=false'], {})
    assert.deepEqual([code, out], [0, 'environment.usekarma.dev/dev asked to have its graph built\n'])
  })

  it('says when it takes too long, and that it goes on', async () => {
    const { code, err } = await build(['--timeout', '2s'], {})
    assert.equal(code, 1)
    assert.match(err, /Environment dev\/dev: expected its graph to be built within 2s, .*it has been asked for/)
  })

  it('needs the right to patch environments', async () => {
    const { code, err } = await build([], { forbidden: ['patch Environment'] })
    assert.equal(code, 1)
    assert.match(err, /cannot patch Environment \(Forbidden\)/)
  })

  it('refuses what is no duration', async () => {
    const { code, err } = await build(['--timeout', 'soon'], {})
    assert.equal(code, 1)
    assert.match(err, /expected a duration such as 90s or 10m/)
  })
})
