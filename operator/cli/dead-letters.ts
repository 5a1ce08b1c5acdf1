import { addList } from './dead-letters-list.ts'
import { addLetterReplay } from './dead-letters-replay.ts'
import { addShowLetter } from './dead-letters-show.ts'
import type { Verb } from './verb.ts'

/** In the order in which people meet them. */
const verbs: readonly Verb[] = [addList, addShowLetter, addLetterReplay]

const help = `
What came over the bus and is no event was put aside, byte by byte, and nothing waited behind it. Letters are in no namespace:
to read them you have to be allowed to list changerequests in all of them, to replay them you need the verb replay there.
An ID may be cut to its first 8 digits or more.

Examples:
  kubectl karma dead-letters list --since 24h
  kubectl karma dead-letters show 3f0c9a1b
  kubectl karma dead-letters replay --reason NotJson
`

export const addDeadLetters: Verb = (program, run) => {
  const letters = program
    .command('dead-letters')
    .description('look at what came over the bus and is no event, and try it once more')
    .addHelpText('after', help)
  for (const add of verbs) add(letters, run)
}
