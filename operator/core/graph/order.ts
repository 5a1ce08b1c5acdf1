interface Ordered {
  readonly id: string
  /** the circle of references that it was found to be part of */
  readonly cycle?: readonly string[]
}

/**
 * Every id after all that it refers to. Depth first without recursion: a chain may be as long as there are ids.
 * Of ids that refer to each other in a circle at least one carries `cycle`, and all that are reached through it only
 * are found to need it.
 */
export function* dependenciesFirst(
  ids: readonly string[],
  dependenciesOf: (id: string) => string[],
): Generator<Ordered> {
  const state = new Map<string, 'on the way' | 'done'>()
  const circles = new Map<string, readonly string[]>()
  const way: { readonly id: string; readonly next: string[] }[] = []

  const enter = (id: string): void => {
    state.set(id, 'on the way')
    way.push({ id, next: dependenciesOf(id) })
  }
  const meet = (id: string): void => {
    if (!state.has(id)) enter(id)
    else if (state.get(id) === 'on the way') {
      const circle = way.slice(way.findIndex((step) => step.id === id)).map((step) => step.id)
      for (const member of circle) if (!circles.has(member)) circles.set(member, circle)
    }
  }
  for (const start of ids) {
    if (!state.has(start)) enter(start)
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const dependency = top.next.pop()
      if (dependency !== undefined) {
        meet(dependency)
        continue
      }
      way.pop()
      state.set(top.id, 'done')
      const cycle = circles.get(top.id)
      yield cycle ? { id: top.id, cycle } : { id: top.id }
    }
  }
}
