import { escaped } from './table.ts'

/** Bytes as a person reads them: the text that they are, else sixteen on a line, in hex and as letters. */
export const shownBytes = (raw: Uint8Array): string => {
  const text = textOf(raw)
  if (text === undefined) return hexDump(raw)
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined: it is none, or a terminal would take something in it for a command. */
const textOf = (raw: Uint8Array): string | undefined => {
  try {
    const text = utf8.decode(raw)
    const plain = text.replace(/\r?\n|\t/g, '')
    return escaped(plain) === plain ? text : undefined
  } catch {
    return undefined
  }
}

const perLine = 16

const hexDump = (raw: Uint8Array): string => {
  const lines: string[] = []
  for (let at = 0; at < raw.length; at += perLine) {
    const bytes = [...raw.subarray(at, at + perLine)]
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'))
    const halves = [hex.slice(0, perLine / 2), hex.slice(perLine / 2)].map((half) => half.join(' ').padEnd(23))
    const letters = bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${halves.join('  ')}  |${letters}|\n`)
  }
  return lines.join('')
}
