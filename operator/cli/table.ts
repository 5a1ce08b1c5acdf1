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
  readonly colour?: (row: T) => number | undefined
}

/** Columns three spaces apart, as kubectl writes them; the last one is not padded. */
export const table = <T>(columns: readonly Column<T>[], rows: readonly T[], colours: boolean): string => {
  const cells = rows.map((row) => columns.map((column) => escaped(column.text(row))))
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map((line) => line[i]!.length)))
  const line = (texts: readonly string[], paint: (text: string, i: number) => string): string =>
    texts
      .map((text, i) => paint(text, i) + (i < texts.length - 1 ? ' '.repeat(widths[i]! - text.length + 3) : ''))
      .join('')
      .trimEnd()
  const head = line(
    columns.map(({ title }) => title),
    (text) => text,
  )
  const body = rows.map((row, r) =>
    line(cells[r]!, (text, i) => {
      const colour = colours ? columns[i]!.colour?.(row) : undefined
      return colour === undefined ? text : `\u001b[${colour}m${text}\u001b[0m`
    }),
  )
  return `${[head, ...body].join('\n')}\n`
}
