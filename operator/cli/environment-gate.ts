import type { Applying } from '../api/kinds.generated.ts'
import { conditionOf } from '../core/change/status.ts'
import { ringSize } from '../core/event/outbox.ts'
import type { Of } from '../ports/cluster.ts'
import type { Gate } from './explained.ts'

/** What an environment has against it. `name`: as the request or Component says; `self`: whose own passage is no obstacle. */
export const environmentGates = (
  environment: Of<'Environment'> | undefined,
  name: string | undefined,
  self: string,
): Gate[] => [environmentGate(environment, name, self), ...eventsGate(environment)]

/** Who holds it. */
const environmentGate = (environment: Of<'Environment'> | undefined, name: string | undefined, self: string): Gate => {
  const gate = name === undefined ? 'environment' : `environment ${name}`
  if (!environment) {
    const message = name === undefined ? 'not known yet' : 'it is not there yet, or you may not read it'
    return { gate, verdict: 'Pending', message }
  }
  const { version = 0, lockedBy, applying = [] } = environment.status ?? {}
  const object = objectOf(environment)
  const ready = conditionOf(environment.status?.conditions, 'Ready')
  if (ready?.status === 'False') return { gate, verdict: 'Queue', object, message: `${ready.reason}: ${ready.message}` }
  if (lockedBy === undefined) return { gate, verdict: 'Allow', object, message: `free, at version ${version}` }
  const others = applying.filter((one) => one.name !== self)
  const message = `at version ${version}, held by ${lockedBy}${others.length > 0 ? `, which writes ${namesOf(others)}` : ''}`
  return { gate, verdict: others.length > 0 ? 'Queue' : 'Allow', object, message }
}

/** Everything that happens is remembered until it is told, so what cannot tell any more waits. */
const eventsGate = (environment: Of<'Environment'> | undefined): Gate[] => {
  const published = environment && conditionOf(environment.status?.conditions, 'EventsPublished')
  if (!environment || published?.status !== 'False') return []
  const message = `not on the bus: ${published.message}; an object that remembers ${ringSize} of them waits with the next one`
  return [{ gate: 'events', verdict: 'Pending', object: objectOf(environment), message }]
}

const objectOf = ({ metadata }: Of<'Environment'>): string => `environment/${metadata.name}`

const named = 3

const namesOf = (applying: readonly Applying[]): string => {
  const names = applying
    .slice(0, named)
    .map(({ kind, name }) => `${kind === 'ChangeRequest' ? 'changerequest' : 'component'}/${name}`)
  return `${names.join(', ')}${applying.length > named ? ` and ${applying.length - named} more` : ''}`
}
