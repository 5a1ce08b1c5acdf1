import { styleText } from 'node:util'

/** One thing that was tried. `why` is what Karma said about it. */
export interface Row {
  readonly what: string
  readonly expected: string
  readonly actual: string
  readonly why: string
}

const width = 100

/** For people: what was expected beside what came, and below it what was said. */
export const createTable = (rows: readonly Row[]): string =>
  rows
    .map(({ what, expected, actual, why }) => {
      const same = expected === actual
      const mark = same ? styleText('green', '✔') : styleText('red', '✘')
      const said = wrapped(why).map((line) => `    ${styleText('dim', line)}`)
      return [
        `${mark} ${styleText('bold', what)}`,
        `    expected  ${expected}`,
        `    came      ${actual}`,
        ...said,
      ].join('\n')
    })
    .join('\n\n')
    .concat('\n')

const wrapped = (text: string): string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}
