/** Bytes of UTF-8 that a text takes inside a JSON document, without its quotes: what it costs where it is stored. */
export const bytesInJson = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2

/**
 * Well-formed, and cut to `most` bytes in JSON, whole characters only. The API server mends half a surrogate pair, so
 * that what was written would never equal what is read. The schemas bound characters, which are never more than bytes.
 */
export const cut = (text: string, most: number): string => {
  const whole = text.toWellFormed()
  // No UTF-16 unit takes more than six bytes: most texts need not be written out to know that they fit.
  if (whole.length * 6 <= most) return whole
  if (whole.length <= most && bytesInJson(whole) <= most) return whole
  const left = most - Buffer.byteLength(mark)
  let end = 0
  for (let beyond = Math.min(whole.length, left) + 1; end + 1 < beyond; ) {
    const middle = (end + beyond) >> 1
    if (bytesInJson(beginning(whole, middle)) <= left) end = middle
    else beyond = middle
  }
  return `${beginning(whole, end)}${mark}`
}

/** At most `length` UTF-16 units, and no half of a character. */
const beginning = (text: string, length: number): string => {
  const kept = text.slice(0, length)
  return kept.isWellFormed() ? kept : kept.slice(0, -1)
}

const mark = '…'
