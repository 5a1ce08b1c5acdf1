import { type Command, InvalidArgumentError, Option } from 'commander'
import { namespaceOf, undisplay } from '../core/component/identity.ts'
import { type Moment, momentIn } from './moment.ts'
import { withConnection } from './output.ts'
import type { CommonFlags } from './verb.ts'

/** Which events are meant. */
export interface FilterFlags extends CommonFlags {
  readonly allNamespaces?: boolean
  readonly entity?: string
  readonly type?: readonly string[]
  readonly tag?: readonly string[]
}

export interface SpanFlags {
  readonly from?: Moment
  readonly to?: Moment
}

export const withFilter = (command: Command): Command =>
  withConnection(
    command
      .addOption(new Option('-A, --all-namespaces', 'of all namespaces').conflicts('namespace'))
      .addOption(
        new Option('--entity <id>', 'about this: TYPE/NICKNAME or KIND/NAME, or as the events call it').argParser(
          named,
        ),
      )
      .option('--type <type...>', 'of one of these types, such as change.applied')
      .option('--tag <key=value...>', 'with each of these tags'),
  )

export const withSpan = (command: Command): Command =>
  command
    .addOption(new Option('--from <time>', 'that happened then or later: RFC 3339, or so long ago').argParser(momentIn))
    .addOption(new Option('--to <time>', 'that happened before').argParser(momentIn))

/** What a shell makes of a variable that is not set asks for nothing. */
const named = (text: string): string => {
  if (text === '') throw new InvalidArgumentError('expected TYPE/NICKNAME or KIND/NAME, found nothing')
  return text
}

/** Which namespace they are in is what `entity` says, where it says it. */
export const filterQuery = (flags: FilterFlags, namespace: string): { query: URLSearchParams; shown?: string } => {
  const query = new URLSearchParams()
  const { allNamespaces, entity, type = [], tag = [] } = flags
  const id = entity === undefined || allNamespaces ? entity : undisplay(entity, namespace)
  const shown = id === undefined ? namespace : namespaceOf(id)
  if (!allNamespaces) query.set('namespace', shown)
  if (id !== undefined) query.set('entity', id)
  for (const one of type) query.append('type', one)
  for (const one of tag) query.append('tag', one)
  return { query, ...(!allNamespaces && { shown }) }
}

export const addSpan = (query: URLSearchParams, { from, to }: SpanFlags, now: number): void => {
  if (from) query.set('from', from(now))
  if (to) query.set('to', to(now))
}
