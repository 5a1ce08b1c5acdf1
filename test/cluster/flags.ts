import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

/**
 * What stands behind a command, read strictly: a mistyped flag would start something else than was asked for. Ends the
 * process with one line that names the flags there are when it is none of them, or lacks its value.
 */
export const readFlags = <T extends ParseArgsOptionsConfig>(
  command: string,
  options: T,
  { positionals: allowPositionals = false }: { readonly positionals?: boolean } = {},
) => {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals, strict: true })
    return { values, positionals: positionals as readonly string[] }
  } catch (cause) {
    // What it says of how to pass such a word all the same helps nobody here.
    const [fault = ''] = (cause as Error).message.split(/\. (?=[A-Z])/)
    const known = Object.entries(options).map(([name, { type }]) =>
      type === 'boolean' ? `--${name}` : `--${name} VALUE`,
    )
    const expected = known.length > 0 ? known.join(', ') : 'no flag'
    process.stderr.write(`${command}: expected ${expected}, found: ${fault}\n`)
    return process.exit(2)
  }
}
