import { hash } from 'node:crypto'
import { canonical } from '../../api/json.ts'
import type { ComponentStatus } from '../../api/kinds.generated.ts'
import type { Transition } from '../event/outbox.ts'
import type { Drift } from './drift.ts'

/** `sha256:…` over what is reported, but for the time: the same seen once more is no news. Undefined: nothing is. */
export const reportHashOf = (status: ComponentStatus | undefined): string | undefined => {
  const { observedAt: _, ...found } = status?.runtime ?? {}
  const outputs = status?.outputs ?? {}
  const report = { ...found, ...(Object.keys(outputs).length > 0 && { outputs }) }
  return Object.keys(report).length > 0 ? `sha256:${hash('sha256', canonical(report))}` : undefined
}

/** A report that has not been told of. Names and places go into the event, values do not: some are secrets. */
export const observed = (status: ComponentStatus | undefined, drift: Drift | undefined): Transition | undefined => {
  if (reportHashOf(status) === status?.reportHash) return undefined
  const { state, config, observedAt } = status?.runtime ?? {}
  const outputs = Object.keys(status?.outputs ?? {}).sort()
  const parts = [
    ...(state === undefined ? [] : [`state ${state}`]),
    ...(outputs.length === 0 ? [] : [`outputs ${outputs.join(', ')}`]),
    ...(config === undefined ? [] : ['config']),
  ]
  return {
    type: 'component.observed',
    reason: 'Observed',
    message: parts.length > 0 ? `reported: ${parts.join('; ')}` : 'nothing is reported any more',
    attrs: {
      ...(state !== undefined && { state }),
      ...(outputs.length > 0 && { outputs }),
      ...(observedAt !== undefined && { observedAt }),
      ...(drift && { drifted: drift.status, ...(drift.pointers.length > 0 && { differs: [...drift.pointers] }) }),
    },
  }
}
