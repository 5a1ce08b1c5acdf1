import type { Applying } from '../api/kinds.generated.ts'
import type { Of } from '../ports/cluster.ts'
import type { Gate } from './explained.ts'

/** Who holds an environment. `name`: as the request or Component says; `self`: whose own passage is no obstacle. */
export const environmentGate = (
  environment: Of<'Environment'> | undefined,
  name: string | undefined,
  self: string,
): Gate => {
  const gate = name === undefined ? 'environment' : `environment ${name}`
  if (!environment) {
    const message = name === undefined ? 'not known yet' : 'it is not there yet, or you may not read it'
    return { gate, verdict: 'Pending', message }
  }
  const { version = 0, lockedBy, applying = [], conditions = [] } = environment.status ?? {}
  const object = `environment/${environment.metadata.name}`
  const ready = conditions.find(({ type }) => type === 'Ready')
  if (ready?.status === 'False') return { gate, verdict: 'Queue', object, message: `${ready.reason}: ${ready.message}` }
  if (lockedBy === undefined) return { gate, verdict: 'Allow', object, message: `free, at version ${version}` }
  const others = applying.filter((one) => one.name !== self)
  const message = `at version ${version}, held by ${lockedBy}${others.length > 0 ? `, which writes ${namesOf(others)}` : ''}`
  return { gate, verdict: others.length > 0 ? 'Queue' : 'Allow', object, message }
}

const named = 3

const namesOf = (applying: readonly Applying[]): string => {
  const names = applying
    .slice(0, named)
    .map(({ kind, name }) => `${kind === 'ChangeRequest' ? 'changerequest' : 'component'}/${name}`)
  return `${names.join(', ')}${applying.length > named ? ` and ${applying.length - named} more` : ''}`
}
