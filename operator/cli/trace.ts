import { type Result, success } from '../api/result.ts'
import { display } from '../core/component/identity.ts'
import { isGoingOn, type TraceNode, type TraceStep, traceOf } from '../core/event/trace.ts'
import { shortSpanOf } from './age.ts'
import { count } from './count.ts'
import { colourOf, isLogAnswer, logPath, messageOf, notKarma } from './log.ts'
import { type Format, outputOption, serialized, withConnection } from './output.ts'
import { type Column, table } from './table.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

interface TraceFlags extends CommonFlags {
  readonly output: Format
}

const help = `
AT is how long after the first event it was, LASTED how long it stood so, until the next event of the same object; of a
change that has not ended, until now.

Examples:
  kubectl karma trace new-alias
  kubectl karma trace 0c5f9d3e-6f0d-4d6c-9d0a-0f6a5c1a2b3c   # what log -o json calls correlation_id
  kubectl karma trace shop/new-alias -o json
`

export const addTrace: Verb = (program, run) => {
  const command = program
    .command('trace')
    .description('draw what a change led to, and how long each step took')
    .argument('<change>', 'NAME of a ChangeRequest, NAMESPACE/NAME, or the uid that its events share')
    .addOption(outputOption())
    .addHelpText('after', help)
  withConnection(command).action((change: string, flags: TraceFlags) =>
    run(flags, (desk) => showTrace(change, flags, desk)),
  )
}

const uid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const showTrace = async (
  change: string,
  { output }: TraceFlags,
  { session, namespace, terminal }: Desk,
): Promise<Result<number>> => {
  const path = uid.test(change)
    ? logPath(undefined, { correlation: change }, namespace)
    : logPath(change, {}, namespace)
  const answer = await session.operator(path)
  if (!isLogAnswer(answer)) return notKarma('events')
  if (!answer.ok) return answer
  const { events, truncated } = answer.value
  const trace = traceOf(events)
  if (!trace) terminal.err('no events\n')
  else if (output !== 'table') terminal.out(serialized(trace, output))
  else {
    // Of a story that is cut off nobody knows where it stands.
    const now = !truncated && isGoingOn(trace) ? terminal.now() : undefined
    terminal.out(table(columns, linesOf(trace, change.split('/').at(-2) ?? namespace, now), terminal))
  }
  if (truncated) terminal.err(`drawn of the first ${count(events.length, 'event')} alone: there are more\n`)
  return success(0)
}

interface Line {
  readonly branch: string
  readonly title: string
  readonly at: string
  readonly lasted: string
  readonly message: string
  readonly colour?: number | undefined
}

const columns: readonly Column<Line>[] = [
  { title: 'WHAT', text: ({ branch, title }) => `${branch}${title}` },
  { title: 'AT', text: ({ at }) => at },
  { title: 'LASTED', text: ({ lasted }) => lasted },
  { title: 'MESSAGE', text: ({ message }) => message, colour: ({ colour }) => colour },
]

/** The object, then its steps and what hangs below it, as they began. `now`: where the root has not ended. */
const linesOf = (root: TraceNode, namespace: string, now: number | undefined): Line[] => {
  const lines: Line[] = []
  const last = root.steps.at(-1)
  const soFar = (since: string): string => `${shortSpanOf((now ?? 0) - Date.parse(since))} so far`
  const lastedOf = (node: TraceNode): string =>
    now !== undefined && node === root ? soFar(node.began) : shortSpanOf(node.lastedMs)
  const draw = (node: TraceNode, branch: string, trunk: string): void => {
    const [first] = node.steps
    const at = node === root ? node.began : `+${shortSpanOf(first?.afterMs ?? 0)}`
    lines.push({ branch, title: titleOf(node, namespace), at, lasted: lastedOf(node), message: '' })
    const parts = [...node.steps, ...node.children].toSorted((a, b) => beginOf(a) - beginOf(b))
    for (const [i, part] of parts.entries()) {
      const [turn, below] = i === parts.length - 1 ? ['└─ ', '   '] : ['├─ ', '│  ']
      if ('steps' in part) draw(part, `${trunk}${turn}`, `${trunk}${below}`)
      else {
        const line = stepLine(part, `${trunk}${turn}`)
        lines.push(now !== undefined && part === last ? { ...line, lasted: soFar(part.event.ts) } : line)
      }
    }
  }
  draw(root, '', '')
  return lines
}

const beginOf = (part: TraceStep | TraceNode): number =>
  'steps' in part ? (part.steps[0]?.afterMs ?? 0) : part.afterMs

const stepLine = ({ event, afterMs, lastedMs }: TraceStep, branch: string): Line => {
  const word = event.event_type.split('.').at(-1) ?? ''
  return {
    branch,
    title: event.tags.kind === undefined ? event.event_type : word,
    at: `+${shortSpanOf(afterMs)}`,
    lasted: lastedMs === undefined ? '' : shortSpanOf(lastedMs),
    message: messageOf(event),
    colour: colourOf[word],
  }
}

/** As people name it; what is in the namespace that was asked for, without it. */
const titleOf = ({ entity, steps }: TraceNode, namespace: string): string => {
  const { kind, name = '', namespace: home = '' } = steps[0]?.event.tags ?? {}
  if (kind === undefined) return entity
  if (kind === 'Component') return `${kind} ${display(entity, namespace)}`
  return `${kind} ${home === namespace ? name : `${home}/${name}`}`
}
