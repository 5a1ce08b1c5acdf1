/**
 * One list of entries per vertex, all in one array. The entries of vertex v are the `stride` words each from
 * `start[v]` on, `count[v]` of them. Whoever reads must fetch the arrays anew after a write: growing replaces them.
 */
export interface Lists {
  readonly stride: number
  readonly words: Int32Array
  readonly start: Int32Array
  readonly count: Int32Array
}

export interface WritableLists extends Lists {
  /** The arrays as plain fields, which read faster, until the next write. */
  arrays(): Lists
  /** Makes room for vertices 0 .. vertices - 1. */
  grow(vertices: number): void
  /** Makes room for a list of that many entries, so that it need not grow by and by. */
  reserve(vertex: number, entries: number): void
  /** Adds an entry to the list of `vertex` and answers where its words, which are not set yet, begin. */
  append(vertex: number): number
  /** Shortens the list by its last entry. */
  pop(vertex: number): void
  /** Gives the list's room back. */
  release(vertex: number): void
  /** Moves the lists together, without room between them. */
  compact(): void
}

export function makeLists(stride: number): WritableLists {
  let words = new Int32Array(16 * stride)
  let start = new Int32Array(16)
  let count = new Int32Array(16)
  let room = new Int32Array(16)
  let end = 0
  let live = 0

  const moveInto = (target: Int32Array<ArrayBuffer>): void => {
    let to = 0
    for (let v = 0; v < count.length; v++) {
      const length = count[v]! * stride
      target.set(words.subarray(start[v]!, start[v]! + length), to)
      start[v] = to
      room[v] = count[v]!
      to += length
    }
    words = target
    end = to
  }

  // Copying everything is paid for by the appends and releases that left half of the array unused or filled it.
  const makeSpace = (needed: number): void => {
    if (end + needed <= words.length) return
    const wanted = live * stride * 1.5 + needed + count.length
    if (live * stride < end / 2) moveInto(new Int32Array(Math.ceil(wanted)))
    else words = enlarged(words, Math.max(words.length * 1.5, end + needed))
  }

  const relocate = (vertex: number, wanted: number): void => {
    makeSpace(wanted * stride)
    const from = start[vertex]!
    words.copyWithin(end, from, from + count[vertex]! * stride)
    start[vertex] = end
    room[vertex] = wanted
    end += wanted * stride
  }

  return {
    stride,
    get words() {
      return words
    },
    get start() {
      return start
    },
    get count() {
      return count
    },
    arrays: () => ({ stride, words, start, count }),
    grow(vertices) {
      if (vertices <= start.length) return
      const wanted = Math.max(vertices, start.length * 1.5)
      start = enlarged(start, wanted)
      count = enlarged(count, wanted)
      room = enlarged(room, wanted)
    },
    reserve(vertex, entries) {
      if (entries > room[vertex]!) relocate(vertex, entries)
    },
    append(vertex) {
      if (count[vertex] === room[vertex]) relocate(vertex, count[vertex]! + Math.max(2, count[vertex]! >> 1))
      live++
      return start[vertex]! + count[vertex]!++ * stride
    },
    pop(vertex) {
      live--
      count[vertex]!--
    },
    release(vertex) {
      live -= count[vertex]!
      count[vertex] = 0
      room[vertex] = 0
    },
    compact: () => moveInto(new Int32Array(live * stride)),
  }
}

export function enlarged(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.ceil(length))
  larger.set(array)
  return larger
}
