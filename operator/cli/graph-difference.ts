import type { Result } from '../api/result.ts'
import { versionOf } from '../core/component/history.ts'
import type { Edge, VertexState } from '../ports/graph.ts'
import type { Mark } from './drawing.ts'
import type { HistoryAnswer, Version, VersionChange } from './graph-port.ts'

/** What is other than before, with the version that made it so last. */
export interface Difference {
  readonly mark: Mark
  /** full id */
  readonly component: string
  /** absent: it is about the Component itself */
  readonly before?: Edge
  readonly after?: Edge
  readonly by: Version
}

/** What these changes, oldest first, come to in the end: by Component, itself first, then its references by name. */
export const differencesOf = (changes: readonly VersionChange[]): Difference[] =>
  [...stepsOf(changes)]
    .sort(([a], [b]) => compare(a, b))
    .flatMap(([component, steps]) => {
      const [first, last] = [steps[0]!, steps.at(-1)!]
      const [was, is] = [presentOf(first.before), presentOf(last.after)]
      if (!was && !is) return []
      const mark: Mark = !was ? 'added' : !is ? 'removed' : 'changed'
      const by = mark === 'changed' ? last.by : lastWith(steps, (state) => String(presentOf(state) !== undefined))
      return [{ mark, component, by }, ...referencesOf(component, steps, was?.edges ?? [], is?.edges ?? [])]
    })

/**
 * Without Components of which the ledger says that they were committed as the same in both versions: config too, which the
 * graph does not hold. What it does not tell of counts as a difference.
 */
export const withoutEqual = async (
  differences: readonly Difference[],
  { from, to, history }: { from: number; to: number; history: (after: number) => Promise<Result<HistoryAnswer>> },
): Promise<Difference[]> => {
  const moved = new Set(differences.flatMap(({ component, before, after }) => (before || after ? [component] : [])))
  const isOpen = ({ mark, component }: Difference): boolean => mark === 'changed' && !moved.has(component)
  if (!differences.some(isOpen)) return [...differences]
  const told = await history(from)
  const events = told.ok ? told.value.events.filter(({ event_type }) => event_type.startsWith('component.')) : []
  const byId = Map.groupBy(events, ({ entity_id }) => entity_id)
  const hashAt = (id: string, version: number): unknown =>
    (byId.get(id) ?? []).reduce<{ version: number; hash?: unknown }>(
      (last, event) => {
        const at = versionOf(event) ?? 0
        return at <= version && at >= last.version ? { version: at, hash: event.attrs.hash } : last
      },
      { version: -1 },
    ).hash
  return differences.filter((one) => {
    const was = isOpen(one) ? hashAt(one.component, from) : undefined
    return was === undefined || was !== hashAt(one.component, to)
  })
}

/** One change of one Component. */
interface Step {
  readonly before: VertexState
  readonly after: VertexState
  readonly by: Version
}

const stepsOf = (changes: readonly VersionChange[]): Map<string, Step[]> => {
  const steps = new Map<string, Step[]>()
  for (const { before, after, ...by } of changes) {
    after.forEach((state, i) => {
      const known = steps.get(state.id)
      const step = { before: before[i]!, after: state, by }
      if (known) known.push(step)
      else steps.set(state.id, [step])
    })
  }
  return steps
}

const presentOf = (state: VertexState) => (state.removed ? undefined : state)

const referencesOf = (
  component: string,
  steps: readonly Step[],
  before: readonly Edge[],
  after: readonly Edge[],
): Difference[] => {
  const [was, is] = [byName(before), byName(after)]
  return [...new Set([...was.keys(), ...is.keys()])].sort(compare).flatMap((name) => {
    const [old, now] = [was.get(name), is.get(name)]
    if (textOf(old) === textOf(now)) return []
    const mark: Mark = !old ? 'added' : !now ? 'removed' : 'changed'
    const by = lastWith(steps, (state) => textOf(byName(presentOf(state)?.edges ?? []).get(name)))
    return [{ mark, component, by, ...(old && { before: old }), ...(now && { after: now }) }]
  })
}

const byName = (edges: readonly Edge[]): Map<string, Edge> => new Map(edges.map((edge) => [edge.name, edge]))

/** The last version in which this was made other than it was. */
const lastWith = (steps: readonly Step[], textIn: (state: VertexState) => string): Version =>
  (steps.findLast(({ before, after }) => textIn(before) !== textIn(after)) ?? steps.at(-1)!).by

/** The same for equal references, whatever the order of their outputs. */
const textOf = (edge: Edge | undefined): string =>
  edge === undefined ? '' : JSON.stringify([edge.to, edge.uses?.toSorted() ?? null, edge.feeds?.toSorted() ?? null])

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
