/** What a terminal, or a reader, could take for something else: controls, line ends, marks that turn the direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const dangerous = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g
const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text that is safe to print on one line. */
export const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(dangerous, (found) => short[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)

export interface Column<T> {
  readonly title: string
  readonly text: (row: T) => string
  /** number of an ANSI colour */
  readonly colour?: ((row: T) => number | undefined) | undefined
}

export interface Look {
  readonly colours: boolean
  /** columns of the terminal; absent: lines may be as long as they are */
  readonly width?: number | undefined
}

/** Narrower than this the last column is not broken into lines. */
const narrowest = 24

/**
 * Columns three spaces apart, as kubectl writes them. The last one is not padded; where it would go beyond the
 * terminal it goes on below itself.
 */
export const table = <T>(columns: readonly Column<T>[], rows: readonly T[], look: Look): string => {
  const cells = rows.map((row) => columns.map((column) => escaped(column.text(row))))
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map((line) => line[i]!.length)))
  const indent = widths.slice(0, -1).reduce((sum, width) => sum + width + 3, 0)
  const lines = rows.flatMap((row, r) => {
    const paint = (text: string, i: number): string =>
      painted(text, look.colours ? columns[i]!.colour?.(row) : undefined)
    const [first = '', ...more] = wrapped(cells[r]!.at(-1) ?? '', (look.width ?? Infinity) - indent)
    const begin = padded([...cells[r]!.slice(0, -1), first], widths, paint)
    return [begin, ...more.map((text) => ' '.repeat(indent) + paint(text, columns.length - 1))]
  })
  const head = padded(
    columns.map(({ title }) => title),
    widths,
    (text) => text,
  )
  return `${[head, ...lines].join('\n')}\n`
}

const padded = (
  texts: readonly string[],
  widths: readonly number[],
  paint: (text: string, i: number) => string,
): string =>
  texts
    .map((text, i) => paint(text, i) + (i < texts.length - 1 ? ' '.repeat(widths[i]! - text.length + 3) : ''))
    .join('')
    .trimEnd()

export const painted = (text: string, colour: number | undefined): string =>
  colour === undefined ? text : `\u001b[${colour}m${text}\u001b[0m`

/** Lines of at most `width`, broken between words; a word that is longer stays whole. */
export const wrapped = (text: string, width: number): string[] => {
  if (text.length <= width || width < narrowest) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length > width && line !== '') lines.push(line)
    line = longer.length > width && line !== '' ? word : longer
  }
  return [...lines, line]
}

export const red = 31
export const green = 32
export const yellow = 33
