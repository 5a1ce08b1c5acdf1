import assert from 'node:assert/strict'
import type { Component, Environment } from '../../../operator/api/kinds.generated.ts'
import { noticeReadiness, noticeTransitions } from '../../../operator/controllers/notices.ts'
import { append, type Transition } from '../../../operator/core/event/outbox.ts'
import { type Informer, makeInformer } from '../../../operator/runtime/informer.ts'
import { makeRecorder, type Notice, type Recorder } from '../../../operator/runtime/recorder.ts'
import { aComponent, aComponentType, anEnvironment, at, noon } from '../../support/builders.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'
import { makeFakeClock } from '../../support/fake-clock.ts'
import { added, deleted, modified } from '../../support/objects.ts'
import { makeScriptedSource, page } from '../../support/scripted-source.ts'

const committed: Transition = { type: 'component.committed', reason: 'Created', message: 'created in version 1' }
const drifted: Transition = { type: 'component.drifted', reason: 'ConfigDiffers', message: 'not as committed' }
const converged: Transition = { type: 'component.converged', reason: 'AsCommitted', message: 'as committed' }

const [drift, convergence] = ['Warning ConfigDiffers', 'Normal AsCommitted']

/** A Component at one version of itself, with all that happened to it so far. */
const diskAt = (resourceVersion: number, transitions: readonly Transition[], uid = 'uid-disk'): Component =>
  aComponent('disk/one', {
    metadata: { resourceVersion: String(resourceVersion), uid },
    status: append(undefined, transitions, noon),
  })

/** Whatever a watch shows from there on becomes notices; the recorder makes Events of them, as the API server takes them. */
const startAt = async <T>(
  before: T[],
  notice: (caches: readonly Pick<Informer<T>, 'onChange'>[], record: Recorder['record']) => void,
) => {
  const clock = makeFakeClock()
  const source = makeScriptedSource(page(100, before))
  const log = makeCollectedLog()
  const informer = makeInformer<T>({ source, parse: (raw) => raw as T, clock, random: () => 1, log })
  const stored = new Set<string>()
  const recorder = makeRecorder({
    create: async (_, event) => {
      const { name } = (event as { metadata: { name: string } }).metadata
      if (stored.has(name)) return { ok: false, failure: { reason: 'AlreadyExists', message: name } }
      stored.add(name)
      return { ok: true }
    },
    controller: 'usekarma.dev/karma',
    instance: 'pod-1',
    clock,
    log,
  })
  const notices: Notice[] = []
  informer.start()
  await clock.settle()
  // As the program does it: from when it leads, with everything listed.
  notice([informer], (one) => {
    notices.push(one)
    recorder.record(one)
  })
  return {
    clock,
    source,
    informer,
    /** a line of the watch */
    shows: async (line: unknown) => {
      source.watch_().send(line)
      await clock.settle()
    },
    /** what was told so far, in order, and how many Events the API server has of it */
    told: () => ({ notices: notices.map(({ type, reason }) => `${type} ${reason}`), events: stored.size }),
    stop: () => informer.stop(),
  }
}

describe('controllers/notices', () => {
  const startWith = (before: Component[]) => startAt(before, noticeTransitions)

  it('tells each transition once, also one that comes back', async () => {
    const karma = await startWith([diskAt(1, [committed])])
    const all = [committed]
    for (const [at, next] of [drifted, converged, drifted, converged].entries()) {
      all.push(next)
      await karma.shows(modified(diskAt(101 + at, all)))
    }
    assert.deepEqual(karma.told(), { notices: [drift, convergence, drift, convergence], events: 4 })
    await karma.stop()
  })

  it('tells all that one write brings', async () => {
    const karma = await startWith([diskAt(1, [committed])])
    await karma.shows(modified(diskAt(101, [committed, drifted, converged])))
    assert.deepEqual(karma.told(), { notices: [drift, convergence], events: 2 })
    await karma.stop()
  })

  it('tells nothing of what was there before it began', async () => {
    const karma = await startWith([diskAt(1, [committed, drifted, converged])])
    assert.deepEqual(karma.told(), { notices: [], events: 0 })
    // Something else about it is another: what it had told before stays told.
    await karma.shows(modified(diskAt(101, [committed, drifted, converged])))
    assert.deepEqual(karma.told(), { notices: [], events: 0 })
    await karma.stop()
  })

  it('tells nothing twice when the same object comes again, by the watch or by another list', async () => {
    const now = [committed, drifted]
    const karma = await startWith([diskAt(1, [committed])])
    karma.informer.observe(diskAt(101, now))
    await karma.shows(modified(diskAt(101, now)))
    await karma.shows(modified(diskAt(102, now)))
    karma.source.lists.push(page(110, [diskAt(102, now)]), page(120, [diskAt(115, now)]))
    for (const lists of [2, 3]) {
      await karma.shows('no JSON')
      await karma.clock.advance(200)
      assert.equal(karma.source.listRequests.length, lists)
    }
    assert.deepEqual(karma.told(), { notices: [drift], events: 1 })
    await karma.stop()
  })

  it('tells what only another list shows', async () => {
    const karma = await startWith([diskAt(1, [committed])])
    karma.source.lists.push(page(110, [diskAt(105, [committed, drifted])]))
    await karma.shows('no JSON')
    await karma.clock.advance(200)
    assert.deepEqual(karma.told(), { notices: [drift], events: 1 })
    await karma.stop()
  })

  it('tells of the next one of that name as of another object', async () => {
    const karma = await startWith([diskAt(1, [committed])])
    await karma.shows(modified(diskAt(101, [committed, drifted])))
    await karma.shows(deleted(diskAt(102, [committed, drifted])))
    await karma.shows(added(diskAt(103, [], 'uid-next')))
    await karma.shows(modified(diskAt(104, [committed, drifted], 'uid-next')))
    assert.deepEqual(karma.told(), { notices: [drift, drift], events: 2 })
    await karma.stop()
  })

  describe('of what holds guards', () => {
    const closed = { status: 'False', reason: 'GuardError' } as const
    const open = { status: 'True', reason: 'Ready', message: 'changes may pass' } as const
    /** An Environment as it is after its guards were judged in this generation; absent: they were not yet. */
    const judged = (
      resourceVersion: number,
      generation: number,
      ready?: { status: 'True' | 'False'; reason: string; message: string },
    ): Environment => {
      const environment = anEnvironment()
      const condition = { type: 'Ready', lastTransitionTime: at(noon), observedGeneration: generation }
      return {
        ...environment,
        metadata: { ...environment.metadata, resourceVersion: String(resourceVersion), generation },
        status: { version: 1, ...(ready && { conditions: [{ ...condition, ...ready }] }) },
      }
    }
    const startWith = (before: Environment) => startAt([before], noticeReadiness)

    it('tells that it cannot be used, that it can, and that again', async () => {
      const karma = await startWith(judged(1, 1))
      const bad = { ...closed, message: 'guard a is no CEL' }
      for (const [i, ready] of [bad, open, bad, open].entries())
        await karma.shows(modified(judged(101 + i, i + 1, ready)))
      const [warning, relief] = ['Warning GuardError', 'Normal Ready']
      assert.deepEqual(karma.told(), { notices: [warning, relief, warning, relief], events: 4 })
      await karma.stop()
    })

    it('tells when something else is wrong with it, and not when it is the same that is wrong', async () => {
      const karma = await startWith(judged(1, 1, { ...closed, message: 'guard a is no CEL' }))
      await karma.shows(modified(judged(101, 2, { ...closed, message: 'guard a is no CEL' })))
      assert.deepEqual(karma.told(), { notices: [], events: 0 })
      await karma.shows(modified(judged(102, 3, { ...closed, message: 'guard b is no CEL' })))
      assert.deepEqual(karma.told(), { notices: ['Warning GuardError'], events: 1 })
      await karma.stop()
    })

    it('tells of a ComponentType in no namespace', () => {
      const { caches, put } = makeFakeCaches()
      const notices: Notice[] = []
      noticeReadiness([caches.ComponentType], (notice) => notices.push(notice))
      const type = put('ComponentType', aComponentType('disk'))
      const message = 'guard a is no CEL'
      const ready = { type: 'Ready', ...closed, message, lastTransitionTime: at(noon), observedGeneration: 3 }
      put('ComponentType', { ...type, status: { conditions: [ready] } })
      const regarding = { apiVersion: type.apiVersion, kind: 'ComponentType', name: 'disk', uid: 'uid-disk' }
      assert.deepEqual(notices, [
        { regarding, type: 'Warning', action: 'Check', reason: 'GuardError', note: message, occurrence: 3 },
      ])
    })

    it('tells nothing of what can be used from the start', async () => {
      const karma = await startWith(judged(1, 1))
      await karma.shows(modified(judged(101, 1, open)))
      await karma.shows(modified(judged(102, 2, open)))
      assert.deepEqual(karma.told(), { notices: [], events: 0 })
      await karma.stop()
    })
  })
})
