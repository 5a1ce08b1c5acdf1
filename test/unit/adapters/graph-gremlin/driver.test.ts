import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import gremlin from 'gremlin'
import { type DriverEvents, openDriver } from '../../../../operator/adapters/graph-gremlin/driver.ts'
import { problemOf } from '../../../../operator/adapters/graph-gremlin/failure.ts'

const requestId = '0f0e0d0c-0b0a-4908-8706-050403020100'
const idBytes = Buffer.from(requestId.replaceAll('-', ''), 'hex')
const bytecode = new gremlin.structure.Graph().traversal().inject(1).getBytecode()
const options = { requestId, evaluationTimeout: 1000 }

/** GraphBinary: an answer with this status, no message, no attributes; `data` with its type. */
const answer = (status: number, data: readonly number[]): Buffer => {
  const code = Buffer.alloc(4)
  code.writeInt32BE(status)
  const empty = Buffer.alloc(4)
  return Buffer.concat([Buffer.from([0x81, 0]), idBytes, code, Buffer.from([1]), empty, empty, Buffer.from(data)])
}
const seven = [0x01, 0, 0, 0, 0, 7]
const listOf = (item: readonly number[]) => [0x09, 0, 0, 0, 0, 1, ...item]

const accept = ({ headers }: IncomingMessage, socket: Duplex): void => {
  const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const hash = createHash('sha1').update(key).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${hash}\r\n\r\n`,
  )
}
const frame = (bytes: Buffer, opcode = 2): Buffer => Buffer.concat([Buffer.from([0x80 | opcode, bytes.length]), bytes])

const unexpected = (): never => assert.fail('expected a rejection')

describe('the driver of the graph store', () => {
  const servers: Server[] = []
  const sockets: Duplex[] = []
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
  })

  const listen = async (onUpgrade: (request: IncomingMessage, socket: Duplex) => void) => {
    const server = createServer().on('upgrade', (request, socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      onUpgrade(request, socket)
    })
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/gremlin`
  }

  /** A server that says this to the first request. */
  const saying = (bytes: Buffer) =>
    listen((request, socket) => {
      accept(request, socket)
      socket.once('data', () => socket.write(bytes))
    })

  const opened = (url: string, events: Partial<DriverEvents> = {}) => {
    const ended = Promise.withResolvers<void>()
    const driver = openDriver(
      url,
      { 'x-signed': 'yes' },
      { maySend: () => true, onGarbled: assert.fail, onEnd: ended.resolve, ...events },
    )
    return { driver, ended: ended.promise }
  }

  const rejection = (promise: Promise<unknown>) => promise.then(unexpected, (error: unknown) => problemOf(error, true))

  it('sends what it was given at the handshake, and yields what is answered', async () => {
    let headers: IncomingMessage['headers'] | undefined
    const url = await listen((request, socket) => {
      headers = request.headers
      accept(request, socket)
      socket.once('data', () => socket.write(frame(answer(200, listOf(seven)))))
    })
    const { driver, ended } = opened(url)
    assert.deepEqual(await driver.submit(bytecode, options), [7])
    assert.equal(headers?.['x-signed'], 'yes')
    const closing = driver.close()
    sockets[0]!.once('data', () => sockets[0]!.end(frame(Buffer.from([3, 232]), 8)))
    await closing
    await ended
  })

  it('yields as many as they are where equal ones come as one', async () => {
    const traverser = [0x21, 0, 0, 0, 0, 0, 0, 0, 0, 3, ...seven]
    const { driver } = opened(await saying(frame(answer(200, listOf(traverser)))))
    assert.deepEqual(await driver.submit(bytecode, options), [7, 7, 7])
  })

  const garbage: [string, Buffer][] = [
    ['bytes of another format', Buffer.from([1, 2, 3])],
    ['a type that is unknown', answer(200, [0xee, 0])],
    ['an answer that breaks off', answer(200, listOf(seven)).subarray(0, 30)],
    ['a result that is no list', answer(200, seven)],
    ['nothing', Buffer.alloc(0)],
  ]
  for (const [name, bytes] of garbage) {
    it(`tells of ${name}, and throws nothing where nobody catches`, async () => {
      const garbled = Promise.withResolvers<Error>()
      const { driver } = opened(await saying(frame(bytes)), { onGarbled: garbled.resolve })
      const submitted = rejection(driver.submit(bytecode, options))
      assert.equal(problemOf(await garbled.promise, true).kind, 'Garbled')
      driver.discard()
      assert.equal((await submitted).kind, 'Lost')
    })
  }

  it('tells of a text where bytes were expected', async () => {
    const garbled = Promise.withResolvers<Error>()
    const { driver } = opened(await saying(frame(Buffer.from('{}'), 1)), { onGarbled: garbled.resolve })
    const submitted = rejection(driver.submit(bytecode, options))
    assert.match((await garbled.promise).message, /^the answer cannot be read/)
    driver.discard()
    await submitted
  })

  for (const [status, kind] of [
    [403, 'Denied'],
    [401, 'Denied'],
    [503, 'Lost'],
  ] as const) {
    it(`a handshake refused with ${status} is ${kind}, though its body is cut off`, async () => {
      const url = await listen((_, socket) =>
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 900\r\n\r\nx-amz-security-token:SECRET`),
      )
      const { driver, ended } = opened(url)
      const problem = await rejection(driver.submit(bytecode, options))
      assert.equal(problem.kind, kind)
      assert.doesNotMatch(problem.text, /SECRET/)
      await ended
    })
  }

  it('gives up a handshake that nobody answers', async () => {
    const arrived = Promise.withResolvers<Duplex>()
    const { driver, ended } = opened(await listen((_, socket) => arrived.resolve(socket.resume())))
    const submitted = rejection(driver.submit(bytecode, options))
    const closed = once(await arrived.promise, 'end')
    driver.discard()
    assert.equal((await submitted).kind, 'Lost')
    await closed
    await ended
  })

  it('sends nothing that nobody waits for any more', async () => {
    let bytes = 0
    const url = await listen((request, socket) => {
      accept(request, socket)
      socket.on('data', ({ length }) => {
        bytes += length
      })
    })
    const { driver } = opened(url, { maySend: () => false })
    const { text } = await rejection(driver.submit(bytecode, options))
    assert.equal(text, 'given up before it was sent')
    await new Promise(setImmediate)
    assert.equal(bytes, 0)
    driver.discard()
  })

  it('says what cannot be written', async () => {
    const url = await listen(accept)
    const { driver } = opened(url)
    const strange = new gremlin.structure.Graph().traversal().inject(Symbol('x')).getBytecode()
    const { kind, text } = await rejection(driver.submit(strange, options))
    assert.deepEqual([kind, /^the request cannot be written: No serializer/.test(text)], ['Refused', true])
    driver.discard()
  })

  it('says when the server has gone', async () => {
    const url = await listen((request, socket) => {
      accept(request, socket)
      socket.once('data', () => socket.destroy())
    })
    const { driver, ended } = opened(url)
    assert.equal((await rejection(driver.submit(bytecode, options))).kind, 'Lost')
    await ended
  })
})
