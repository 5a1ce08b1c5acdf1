/**
 * A number for each two numbers, from 0 on in the order in which they are first asked for. Millions of pairs are asked for
 * while worlds are explored; a Map has its keys as objects there, for two such numbers fit in no small integer.
 */
export const makePairs = (): ((a: number, b: number) => number) => {
  let mask = 2 ** 16 - 1
  /** first and second of each pair, by its number */
  let firsts = new Int32Array(2 ** 15)
  let seconds = new Int32Array(2 ** 15)
  /** 1 + number of a pair, at the place of its hash or the next that was free; 0: free */
  let places = new Int32Array(mask + 1)
  let size = 0

  const placeOf = (a: number, b: number): number => {
    const mixed = Math.imul(a, 0x9e3779b1) ^ Math.imul(b ^ (a >>> 15), 0x85ebca77)
    return (mixed ^ (mixed >>> 13)) & mask
  }

  const grow = (): void => {
    firsts = doubled(firsts)
    seconds = doubled(seconds)
    mask = 2 * mask + 1
    places = new Int32Array(mask + 1)
    for (let number = 0; number < size; number++) {
      let place = placeOf(firsts[number]!, seconds[number]!)
      while (places[place] !== 0) place = (place + 1) & mask
      places[place] = number + 1
    }
  }

  return (a, b) => {
    let place = placeOf(a, b)
    for (let known = places[place]!; known !== 0; known = places[place]!) {
      if (firsts[known - 1] === a && seconds[known - 1] === b) return known - 1
      place = (place + 1) & mask
    }
    firsts[size] = a
    seconds[size] = b
    size++
    places[place] = size
    if (size === firsts.length) grow()
    return size - 1
  }
}

const doubled = (numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
  const twice = new Int32Array(2 * numbers.length)
  twice.set(numbers)
  return twice
}
