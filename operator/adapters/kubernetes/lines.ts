const newline = 0x0a

/**
 * The lines of a byte stream, without their newlines. Text after the last newline is what a cut connection left of a
 * line and is not given out. Throws when a line is longer than `maxBytes`, or when the stream fails.
 */
export const linesOf = async function* (
  chunks: AsyncIterable<Buffer>,
  { maxBytes, onBytes }: { maxBytes: number; onBytes?: (() => void) | undefined },
): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    onBytes?.()
    let from = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      const rest = chunk.subarray(from, end)
      from = end + 1
      const line = parts.length === 0 ? rest : Buffer.concat([...parts, rest])
      parts = []
      length = 0
      if (line.length > 0) yield line.toString('utf8')
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from))
      length += chunk.length - from
      if (length > maxBytes) throw new Error(`a line of the watch is longer than ${maxBytes} bytes`)
    }
  }
}
