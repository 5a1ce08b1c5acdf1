import { faultMessage } from '../../api/parse.ts'
import type { Reason } from '../../api/reasons.ts'
import { display } from '../component/identity.ts'
import type { Guard } from './facts.ts'

/** config must fit configSchema of its ComponentType. Without a ComponentType every config fits. */
export const invalidConfig: Guard = ({ world, id, type, after }) => {
  if (after === null || !type?.spec.configSchema) return []
  const object = display(id, world.namespace)
  const checked = world.configFaults(type, after)
  const reject = (reason: Reason, message: string) => ({
    guard: 'InvalidConfig',
    verdict: 'Reject' as const,
    reason,
    object,
    message,
  })
  if (!checked.ok) return [reject('InvalidSchema', checked.failure.message)]
  return checked.value.map((fault) => reject(fault.reason, faultMessage(`Component ${object}`, fault)))
}
