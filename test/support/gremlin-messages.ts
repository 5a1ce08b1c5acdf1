import { createRequire } from 'node:module'

/** A step or source instruction: its name, then its arguments. */
export type Instruction = readonly [name: string, ...values: unknown[]]

/** A request as it came over the wire, read by the driver's own reader. */
export interface SentRequest {
  readonly requestId: string
  /** bytecode, eval, close… */
  readonly op: string
  /** undefined for a script, and for what carries no traversal */
  readonly bytecode?: {
    readonly stepInstructions: readonly Instruction[]
    readonly sourceInstructions: readonly Instruction[]
  }
  readonly write: boolean
  /** of the message, in bytes */
  readonly size: number
}

interface Serializer<T> {
  deserialize(buffer: Buffer, fullyQualified: boolean): { v: T; len: number }
}
const { uuidSerializer, stringSerializer, mapSerializer } = createRequire(import.meta.url)(
  'gremlin/lib/structure/io/binary/GraphBinary.js',
) as {
  uuidSerializer: Serializer<string>
  stringSerializer: Serializer<string>
  mapSerializer: Serializer<Map<string, unknown>>
}

const writing = ['mergeV', 'mergeE', 'addV', 'addE', 'property', 'drop']
const writingScript = new RegExp(`\\b(${writing.join('|')})\\s*\\(`)

/** length and text of the mime type, version, id, operation, processor, arguments */
export function sentRequest(message: Buffer): SentRequest {
  let at = mimeLength(message) + 1
  const read = <T>(serializer: Serializer<T>): T => {
    const { v, len } = serializer.deserialize(message.subarray(at), false)
    at += len
    return v
  }
  const requestId = read(uuidSerializer).toLowerCase()
  const op = read(stringSerializer)
  read(stringSerializer)
  const traversal = read(mapSerializer).get('gremlin')
  const bytecode = isBytecode(traversal) ? traversal : undefined
  const write = typeof traversal === 'string' ? writingScript.test(traversal) : writes(traversal)
  return { requestId, op, ...(bytecode === undefined ? {} : { bytecode }), write, size: message.length }
}

function mimeLength(message: Buffer): number {
  const length = 1 + message.readUInt8(0)
  const mime = message.subarray(1, length).toString()
  if (mime !== 'application/vnd.graphbinary-v1.0') throw new Error(`expected GraphBinary, found ${mime}`)
  return length
}

const isBytecode = (value: unknown): value is NonNullable<SentRequest['bytecode']> =>
  typeof value === 'object' && value !== null && 'stepInstructions' in value

/** Traversals are also arguments of steps, as in `sideEffect(__.drop())`. */
function writes(value: unknown): boolean {
  if (isBytecode(value)) {
    return value.stepInstructions.some(([name, ...values]) => writing.includes(name) || values.some(writes))
  }
  if (Array.isArray(value) || value instanceof Set) return [...value].some(writes)
  return value instanceof Map && [...value.values()].some(writes)
}

/** version, flag, id, status code */
export function answerStatusOf(message: Buffer): { readonly requestId: string; readonly code: number } {
  // Flag 1: no id, as when the server could not read the request.
  if (message.readUInt8(1) === 1) return { requestId: '', code: message.readInt32BE(2) }
  const { v } = uuidSerializer.deserialize(message.subarray(2), false)
  return { requestId: v.toLowerCase(), code: message.readInt32BE(18) }
}

/** A GraphBinary answer to `request` with a status, no attributes and no result. */
export function errorAnswer(request: Buffer, code: number, message: string): Buffer {
  const idAt = 1 + request.readUInt8(0) + 1
  const text = Buffer.from(message)
  return Buffer.concat([
    Buffer.from([0x81, 0]),
    request.subarray(idAt, idAt + 16),
    int(code),
    Buffer.from([0]),
    int(text.length),
    text,
    // status attributes, result attributes, null
    int(0),
    int(0),
    Buffer.from([0xfe, 1]),
  ])
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

const details = {
  ConcurrentModificationException:
    'Failed to complete operation due to conflicting concurrent operations. Please retry. ' +
    '0 transactions are currently rolling back.',
  ReadOnlyViolationException:
    'The request is rejected because it violates some read-only restriction, ' +
    'such as a designation of a replica as read-only.',
} as const

/** Neptune's message is JSON. */
export const neptuneError = (code: keyof typeof details, requestId: string): string =>
  JSON.stringify({ detailedMessage: details[code], requestId, code })

/** A whole binary message as a WebSocket frame of a server. */
export function unmaskedFrame(payload: Buffer): Buffer {
  const header = Buffer.alloc(payload.length < 126 ? 2 : 10)
  header[0] = 0x82
  header[1] = payload.length < 126 ? payload.length : 127
  if (payload.length >= 126) header.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([header, payload])
}
