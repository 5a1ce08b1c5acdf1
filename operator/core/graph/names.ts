/** Numbers for names: 0, 1, 2 … in the order in which they came. Names are never forgotten. */
export interface Names {
  readonly size: number
  /** -1 for a name that has no number */
  numberOf(name: string): number
  intern(name: string): number
  nameOf(number: number): string
}

/** With a `parent`, its names keep their numbers, and new ones are added here only: the parent may not grow meanwhile. */
export function makeNames(parent?: Names): Names {
  const first = parent?.size ?? 0
  const numbers = new Map<string, number>()
  const names: string[] = []

  const numberOf = (name: string): number => {
    const inherited = parent?.numberOf(name) ?? -1
    return inherited >= 0 ? inherited : (numbers.get(name) ?? -1)
  }

  return {
    get size() {
      return first + names.length
    },
    numberOf,
    intern(name) {
      const known = numberOf(name)
      if (known >= 0) return known
      numbers.set(name, first + names.length)
      return first + names.push(name) - 1
    },
    nameOf: (number) => (number < first ? parent!.nameOf(number) : names[number - first]!),
  }
}
