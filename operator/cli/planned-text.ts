import { canonical } from '../api/json.ts'
import type { Decision, Json } from '../api/kinds.generated.ts'
import { brief } from './brief.ts'
import { count } from './count.ts'
import type { FieldChange, Planned } from './planned.ts'
import { escaped, green, type Look, painted, red, table, wrapped, yellow } from './table.ts'

/** `wide`: all of the affected, with the way on which the change comes to them. */
export interface PlannedLook extends Look {
  readonly wide: boolean
}

const becomes: Readonly<Record<Decision, readonly [words: string, colour: number]>> = {
  Allow: ['would be applied', green],
  Warn: ['would be applied, with warnings', yellow],
  RequireApproval: ['would need an approval', yellow],
  Queue: ['would wait', yellow],
  Reject: ['would be rejected', red],
}

/** A plan as people read it. */
export const plannedText = (planned: Planned, look: PlannedLook): string => {
  const { namespace, changeRequest, decision, reason, hash, graphVersions } = planned
  const [words, colour] = reason === 'Unchanged' ? (['would change nothing', green] as const) : becomes[decision]
  const why = decision === 'Allow' || decision === 'Warn' ? '' : `: ${reason}`
  const versions = Object.entries(graphVersions).map(([environment, version]) => `${environment} at version ${version}`)
  return [
    `ChangeRequest ${namespace}/${changeRequest} ${painted(words, look.colours ? colour : undefined)}${why}`,
    ...messageLines(planned, look),
    ...planned.changes.flatMap((change) => ['', ...changeLines(change)]),
    ...(hash === undefined ? [] : ['', ...affectedLines(planned, look)]),
    ...verdictLines(planned, look),
    ...(hash === undefined ? [] : ['', `Plan ${hash}, on ${versions.join(', ')}`]),
    '',
  ].join('\n')
}

/** What no verdict says. */
const messageLines = ({ message, verdicts, warnings, reason }: Planned, { width = Infinity }: Look): string[] => {
  const isSaid = reason === 'Applied' || verdicts.some((verdict) => message.includes(verdict.message))
  const said = isSaid ? [] : [message]
  const others = warnings.filter((warning) => !verdicts.some((verdict) => verdict.message === warning))
  return [...said, ...others.map((warning) => `Warning: ${warning}`)].flatMap((text) =>
    wrapped(escaped(text), width - 2).map((line) => `  ${line}`),
  )
}

const changeLines = ({ component, operation, fields }: Planned['changes'][number]): string[] => {
  if (operation !== undefined) {
    return [`${operation}s ${component}`, ...fields.map((field) => `  ${fieldLine(field)}`)]
  }
  if (fields.length === 0) return [`Changes nothing of ${component}`]
  return [`Changes ${count(fields.length, 'field')} of ${component}`, ...fields.map((field) => `  ${fieldLine(field)}`)]
}

const fieldLine = ({ path, before, after }: FieldChange): string => {
  if (before === undefined) return escaped(`${path}: + ${shown(after)}`)
  return escaped(after === undefined ? `${path}: - ${shown(before)}` : `${path}: ${shown(before)} -> ${shown(after)}`)
}

const longestValue = 120

/** JSON on one line; `-o json` has all of it. */
const shown = (value: Json | undefined): string => {
  const text = canonical(value)
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text
}

const nearest = 20

const affectedLines = ({ affected, affectedCount }: Planned, look: PlannedLook): string[] => {
  if (affectedCount === 0) return ['Affects no other Component']
  const rows = look.wide ? affected : affected.slice(0, nearest)
  const columns = [
    { title: 'DISTANCE', text: (row: (typeof rows)[number]) => String(row.distance ?? '') },
    { title: 'COMPONENT', text: (row: (typeof rows)[number]) => row.component },
    ...(look.wide ? [{ title: 'PATH', text: (row: (typeof rows)[number]) => row.path.join(' <- ') }] : []),
  ]
  const more = affectedCount - rows.length
  return [
    `Affects ${count(affectedCount, 'Component')}`,
    ...indented(table(columns, rows, narrower(look))),
    ...(more > 0 ? [`  and ${more} more${rows.length < affected.length ? '; -o wide shows all' : ''}`] : []),
  ]
}

const verdictLines = ({ verdicts }: Planned, look: PlannedLook): string[] => {
  if (verdicts.length === 0) return []
  const columns = [
    {
      title: 'VERDICT',
      text: (row: (typeof verdicts)[number]) => row.verdict,
      colour: (row: (typeof verdicts)[number]) => becomes[row.verdict]?.[1],
    },
    { title: 'GUARD', text: (row: (typeof verdicts)[number]) => row.guard },
    { title: 'OBJECT', text: (row: (typeof verdicts)[number]) => row.object ?? '' },
    { title: 'MESSAGE', text: (row: (typeof verdicts)[number]) => (look.wide ? row.message : brief(row.message)) },
  ]
  return ['', 'Guards', ...indented(table(columns, verdicts, narrower(look)))]
}

const indented = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`)

const narrower = ({ colours, width }: Look): Look => ({ colours, width: width === undefined ? undefined : width - 2 })
