import { ageOf } from './age.ts'
import { brief } from './brief.ts'
import type { Explained, Gate } from './explained.ts'
import { type Column, escaped, green, type Look, painted, red, table, wrapped, yellow } from './table.ts'

const colours: Readonly<Record<Gate['verdict'], number | undefined>> = {
  Allow: green,
  Warn: yellow,
  RequireApproval: yellow,
  Queue: yellow,
  Reject: red,
  Pending: undefined,
}

const gateColumns: readonly Column<Gate>[] = [
  { title: 'GATE', text: ({ gate }) => gate },
  { title: 'VERDICT', text: ({ verdict }) => verdict, colour: ({ verdict }) => colours[verdict] },
  { title: 'OBJECT', text: ({ object }) => object ?? '' },
  { title: 'MESSAGE', text: ({ message }) => brief(message) },
]

const holderColumns: readonly Column<Explained['holders'][number]>[] = [
  { title: 'HELD BY', text: ({ object }) => object },
  { title: 'STATE', text: ({ state }) => state },
]

/** On one screen. `now`: epoch milliseconds. */
export const explainedText = (explained: Explained, look: Look & { readonly now: number }): string => {
  const { kind, namespace, name, standing, reason, message, since, notes, gates, holders, next } = explained
  const worst = gates.find(({ verdict }) => verdict === 'Reject') ?? gates.find(({ verdict }) => verdict === 'Queue')
  const lines = (text: string): string[] =>
    wrapped(escaped(text), (look.width ?? Infinity) - 2).map((line) => `  ${line}`)
  const isSaid = gates.some((gate) => message.includes(gate.message) || gate.message.includes(message))
  return [
    `${kind} ${namespace}/${name} is ${painted(standing, look.colours ? colours[worst?.verdict ?? 'Allow'] : undefined)}` +
      `${reason === '' || reason === standing ? '' : ` (${reason})`}${since === '' ? '' : `, since ${ageOf(since, look.now)}`}`,
    ...(isSaid ? [] : lines(message)),
    ...notes.flatMap(lines),
    '',
    table(gateColumns, gates, look),
    ...(holders.length > 0 ? [table(holderColumns, holders, look)] : []),
    ...wrapped(escaped(`Next: ${next}`), look.width ?? Infinity),
    '',
  ].join('\n')
}
