import { addQuery } from './events-query.ts'
import { addReplay } from './events-replay.ts'
import { addTail } from './events-tail.ts'
import type { Verb } from './verb.ts'

/** In the order in which people meet them. */
const verbs: readonly Verb[] = [addQuery, addTail, addReplay]

const help = `
Events are Karma's own and those that others put on the bus; docs/events.md says what they hold. To read them you have to be
allowed to list changerequests in the namespace (with -A: in all), to replay them you need the verb replay there.

Examples:
  kubectl karma events query --from 24h -n dev
  kubectl karma events tail -A --type change.rejected change.failed
`

export const addEvents: Verb = (program, run) => {
  const events = program
    .command('events')
    .description('look for events in the ledger, follow them, and have them told again')
    .addHelpText('after', help)
  for (const add of verbs) add(events, run)
}
