import type { ChangeRequest, Component } from '../api/kinds.generated.ts'
import { keyOf } from '../core/component/identity.ts'
import { checkConfig, makeSchemaCache } from '../core/component/schema.ts'
import { makeImpact } from '../core/graph/impact.ts'
import { makeGuards } from '../core/guard/expression.ts'
import type { Caches, Cluster } from '../ports/cluster.ts'
import type { GraphStore } from '../ports/graph.ts'
import type { Locks } from '../ports/lock.ts'
import type { Clock } from '../runtime/clock.ts'
import { makeController, type Outcome } from '../runtime/controller.ts'
import type { Logger } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { makeWorkQueue } from '../runtime/workqueue.ts'
import { makeBatch } from './batch.ts'
import { makeChangeApprovalReconciler } from './change-approval.ts'
import { makeChangeRequestReconciler } from './change-request.ts'
import { makeComponentReconciler } from './component.ts'
import { makeComponentTypeReconciler } from './component-type.ts'
import { makeCrossingPlan } from './crossing-plan.ts'
import { makeCrossingTurn } from './crossing-turn.ts'
import { makeDelays } from './delays.ts'
import { type EnvironmentTimes, makeEnvironmentReconciler } from './environment.ts'
import { makeGather } from './gather.ts'
import { type GraphCheckTimes, makeGraphCheck, rebuildAsked } from './graph-check.ts'
import { makeGraphs } from './graphs.ts'
import type { NoRoom } from './notices.ts'
import { makeOutages } from './outages.ts'
import type { Relay } from './relay.ts'
import { makeRepairs } from './repairs.ts'
import { makeWaiting } from './waiting.ts'
import { wakeOn } from './wake.ts'

export interface ControllersDependencies {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly graph: GraphStore
  readonly locks: Locks
  readonly relay: Pick<Relay, 'drained' | 'room' | 'onPublished' | 'onFailing' | 'state'>
  /** identity of this process */
  readonly holder: string
  readonly clock: Clock
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  readonly times: EnvironmentTimes
  /** of a graph store elsewhere; absent: the graph is in this process, and cannot differ for long */
  readonly graphCheck?: GraphCheckTimes
  readonly log: Logger
  readonly noRoom: NoRoom
  readonly nextId: () => string
  readonly metrics: Pick<Metrics, 'controllers' | 'watchQueue'>
}

/** Counts in the status of a ComponentType or an Environment need not be right at once, in milliseconds. */
const countDelay = 1_000

/** The controllers, their queues, and what wakes them. */
export const makeControllers = (dependencies: ControllersDependencies) => {
  const { cluster, caches, graph, relay, clock, sleep, random, log, noRoom, nextId, metrics } = dependencies

  const queueOf = (name: string) => {
    const queue = makeWorkQueue({ clock, random })
    metrics.watchQueue(name, queue)
    return queue
  }
  const queues = {
    changeRequest: queueOf('change-request'),
    component: queueOf('component'),
    componentType: queueOf('component-type'),
    changeApproval: queueOf('change-approval'),
    environment: queueOf('environment'),
    graphCheck: queueOf('graph-check'),
  }
  const waiting = makeWaiting({ onEnter: queues.environment.add, onHeldBack: queues.component.add })
  const guards = makeGuards({ now: () => clock.monotonic() })
  const schemas = makeSchemaCache()
  const configFaults: Parameters<typeof makeGather>[0]['configFaults'] = (type, config) =>
    checkConfig(type, config, schemas)
  const impact = makeImpact({ now: () => clock.monotonic() })
  const repairs = makeRepairs({ holder: dependencies.holder, onNeeded: queues.environment.add })
  const outages = makeOutages({ after: clock.after, onChange: (key) => wakeHeldUp(key) })
  /** Each says what holds up all of them. */
  const wakeEnvironments = (): void => {
    for (const environment of caches.Environment.list()) queues.environment.add(keyOf(environment))
  }
  const delays = makeDelays({ relay, after: clock.after, onChange: wakeEnvironments })
  const graphs = makeGraphs({ caches, graph, repairs })
  const gather = makeGather({ caches, graph, graphs, impact, guards, configFaults, clock })

  const planning = {
    caches,
    gather,
    waiting,
    clock,
    sleep,
    again: queues.changeRequest.add,
    hasRoom: (object: ChangeRequest | Component) => relay.room(object) >= roomForChange,
  }
  const environment = makeEnvironmentReconciler({
    ...dependencies,
    guards,
    plan: makeBatch(planning),
    planCrossing: makeCrossingPlan(planning),
    crossing: makeCrossingTurn({ caches, gather, waiting, again: queues.changeRequest.add }),
    lookAt: queues.environment.add,
    again: queues.changeRequest.retry,
    hasWork: (key) => waiting.has(key) || repairs.isNeeded(key),
    forgetGraph: gather.forget,
    rebuild: graphs.rebuild,
    confirm: graphs.confirm,
    gone(key) {
      graphs.gone(key)
      repairs.forget(key)
      outages.over(key)
    },
    repairs,
    outages,
    delays,
    hasRoom: (object) => relay.room(object) >= roomForBatch,
  })
  const graphCheck = makeGraphCheck({
    caches,
    graph,
    graphs,
    isWhole: gather.isWhole,
    isRepairing: repairs.isNeeded,
    outages,
    times: dependencies.graphCheck,
  })
  const controllerOf = (
    name: keyof typeof queues,
    workers: number,
    reconcile: (key: string, log: Logger) => Promise<Outcome>,
  ) =>
    makeController({ name, queue: queues[name], workers, reconcile, log, clock, nextId, metrics: metrics.controllers })
  const controllers = [
    controllerOf('componentType', 1, makeComponentTypeReconciler({ cluster, caches, guards, configFaults, clock })),
    controllerOf('changeApproval', 2, makeChangeApprovalReconciler({ cluster, caches, clock })),
    controllerOf('component', 8, makeComponentReconciler({ cluster, caches, waiting, relay, clock, noRoom, outages })),
    controllerOf(
      'changeRequest',
      16,
      makeChangeRequestReconciler({
        cluster,
        caches,
        gather,
        waiting,
        relay,
        clock,
        lookAt: queues.environment.add,
        noRoom,
        outages,
      }),
    ),
    controllerOf('environment', 8, environment.reconcile),
    controllerOf('graphCheck', 1, graphCheck.check),
  ]

  /** Those that it holds up say so, and the environment; the store is asked until it answers. */
  const wakeHeldUp = (environmentKey: string): void => {
    queues.environment.add(environmentKey)
    queues.graphCheck.add(environmentKey)
    for (const request of caches.ChangeRequest.byIndex('applying', environmentKey))
      queues.changeRequest.add(keyOf(request))
    for (const kind of ['ChangeRequest', 'Crossing'] as const)
      for (const key of waiting.of(environmentKey, kind)) queues.changeRequest.add(key)
    for (const key of waiting.of(environmentKey, 'Component')) queues.component.add(key)
  }

  return {
    start(): void {
      wakeOn(caches, waiting, {
        changeRequest: queues.changeRequest.add,
        component: queues.component.add,
        changeApproval: queues.changeApproval.add,
        componentType: queues.componentType.add,
        componentTypeSoon: (key) => queues.componentType.addAfter(key, countDelay),
        environment: queues.environment.add,
        environmentSoon: (key) => queues.environment.addAfter(key, countDelay),
      })
      // Who waits for the last event of an object that goes.
      relay.onPublished((object) => {
        if (object.metadata.deletionTimestamp === undefined) return
        if (object.kind === 'ChangeRequest') queues.changeRequest.add(keyOf(object))
        if (object.kind === 'Component') queues.component.add(keyOf(object))
      })
      for (const object of caches.ComponentType.list()) queues.componentType.add(object.metadata.name)
      wakeEnvironments()
      caches.Environment.onChange(({ key, before, after }) => {
        if (after && !before) queues.graphCheck.add(key)
        else if (before && after && rebuildAsked(before) !== rebuildAsked(after)) graphCheck.heed(key)
      })
      for (const object of caches.Environment.list()) queues.graphCheck.add(keyOf(object))
      for (const object of caches.Component.list()) queues.component.add(keyOf(object))
      for (const object of caches.ChangeRequest.list()) queues.changeRequest.add(keyOf(object))
      for (const object of caches.ChangeApproval.list()) queues.changeApproval.add(keyOf(object))
      for (const controller of controllers) controller.start()
    },
    /** How far the graph of an environment is that is being built anew; undefined: none is. */
    rebuilding: repairs.progress,
    async stop(): Promise<void> {
      await Promise.all(controllers.map((controller) => controller.stop()))
      await environment.release(log)
    },
  }
}

/** Entries that one change may append to its request or Component: requested, planned, approved, applying, applied. */
const roomForChange = 5

/** Entries that one batch may append to its Environment: locked, published, repaired (twice), released. */
const roomForBatch = 6
