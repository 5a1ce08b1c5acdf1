import type { Component, ComponentStatus, Condition } from '../../api/kinds.generated.ts'
import { conditionOf } from '../change/status.ts'
import { append, type Transition } from '../event/outbox.ts'
import type { Drift } from './drift.ts'
import { observed, reportHashOf } from './report.ts'
import { conditionsOf, type Standing } from './status.ts'

/** The status of a Component that stands where it stood; what is new about it is told. `now` is epoch milliseconds. */
export const standingStatus = (
  component: Component,
  { dependents, ...standing }: Standing & { readonly dependents: number },
  now: number,
): ComponentStatus => {
  const { reportHash: _, ...status } = component.status ?? {}
  const conditions = conditionsOf(component, standing, new Date(now).toISOString())
  const transitions = [
    observed(component.status, standing.drift),
    drifted(component.status, standing.drift),
    blocked(component.status, conditions, standing),
  ].filter((transition) => transition !== undefined)
  const reportHash = reportHashOf(component.status)
  return {
    ...status,
    ...(transitions.length > 0 && append(status, transitions, now)),
    ...(reportHash !== undefined && { reportHash }),
    dependents,
    observedGeneration: component.metadata.generation ?? 1,
    conditions,
  }
}

/** Nothing that people would read is another. */
export const standsAsBefore = (before: ComponentStatus | undefined, after: ComponentStatus): boolean =>
  (before?.dependents ?? 0) === after.dependents &&
  before?.observedGeneration === after.observedGeneration &&
  before?.reportHash === after.reportHash &&
  before?.conditions?.length === after.conditions?.length &&
  (after.conditions ?? []).every((condition) => {
    const was = conditionOf(before?.conditions, condition.type)
    return was?.status === condition.status && was.reason === condition.reason && was.message === condition.message
  })

/** It begins to differ, or what was wanted is what is found. More differences of the same are no news. */
const drifted = (before: ComponentStatus | undefined, drift: Drift | undefined): Transition | undefined => {
  const was = conditionOf(before?.conditions, 'Drifted')?.status
  if (!drift || drift.status === was) return undefined
  const { status, reason, message, pointers } = drift
  const attrs = { version: before?.committed?.graphVersion ?? 0, differs: [...pointers], count: pointers.length }
  if (status === 'True') return { type: 'component.drifted', reason, message, attrs }
  const isNews = status === 'False' && was !== undefined
  return isNews ? { type: 'component.converged', reason, message, attrs: { version: attrs.version } } : undefined
}

const blocked = (
  before: ComponentStatus | undefined,
  conditions: readonly Condition[],
  { heldBack }: Standing,
): Transition | undefined => {
  const was = conditionOf(before?.conditions, 'Stalled')
  const { status, reason = '', message = '' } = conditionOf(conditions, 'Stalled') ?? {}
  // What only waits for something else is not stalled.
  const isHeld = heldBack.length > 0 && status === 'True'
  const isNews = isHeld && (was?.reason !== reason || was.message !== message)
  return isNews ? { type: 'component.blocked', reason, message } : undefined
}
