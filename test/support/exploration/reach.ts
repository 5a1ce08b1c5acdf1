/** Steps between states, by their numbers, and from which of them an end can be reached. */
export const makeReach = () => {
  const from: number[] = []
  const to: number[] = []
  const ends: number[] = []
  return {
    step(a: number, b: number): void {
      from.push(a)
      to.push(b)
    },
    end: (state: number): void => void ends.push(state),
    /** those of the first `count` states from which no end can be reached */
    missing(count: number): number[] {
      // Steps by the state they lead to: `first` of each, then `before` from one to the next.
      const first = new Int32Array(count).fill(-1)
      const before = new Int32Array(to.length)
      for (const [step, state] of to.entries()) {
        before[step] = first[state]!
        first[state] = step
      }
      const reaches = new Uint8Array(count)
      const next = [...ends]
      for (const state of ends) reaches[state] = 1
      for (let state = next.pop(); state !== undefined; state = next.pop()) {
        for (let step = first[state]!; step !== -1; step = before[step]!) {
          if (reaches[from[step]!]) continue
          reaches[from[step]!] = 1
          next.push(from[step]!)
        }
      }
      return [...reaches.keys()].filter((state) => !reaches[state])
    },
  }
}
