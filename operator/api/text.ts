/** Bytes of UTF-8 that a text takes inside a JSON document, without its quotes: what it costs where it is stored. */
export const bytesInJson = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2

/**
 * Well-formed, and cut to `most` bytes in JSON, whole characters only. The API server mends half a surrogate pair, so
 * that what was written would never equal what is read. The schemas bound characters, which are never more than bytes.
 */
export const cut = (text: string, most: number): string => {
  const whole = text.toWellFormed()
  if (whole.length * longestCharacter <= most || bytesInJson(whole) <= most) return whole
  let left = most - Buffer.byteLength(mark)
  let end = 0
  for (const character of whole) {
    left -= bytesInJson(character)
    if (left < 0) break
    end += character.length
  }
  return `${whole.slice(0, end)}${mark}`
}

const mark = '…'
/** a control character as \uXXXX, per UTF-16 unit */
const longestCharacter = 6
