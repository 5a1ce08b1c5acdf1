import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { acquireFolderLock } from './folder-lock.ts'

/** What `npm run up` tells of what it left running. */
export interface UpState {
  readonly kubeconfig: string
  /** base URL of the operator's port; absent when no operator was asked for */
  readonly api?: string
  /** where its metrics are; absent as above */
  readonly metrics?: string
  readonly failed?: string
}

/**
 * The socket through which `up` and `down` reach what runs in the background, in the current folder (a path of its own
 * may be longer than sockets allow). That it answers is the proof that something runs: no process id can go stale.
 */
const socketPath = 'up.sock'

/** Connects to what runs in the current folder; undefined when nothing does. */
export async function connectUp(): Promise<Socket | undefined> {
  const socket = connect(socketPath)
  try {
    await once(socket, 'connect')
    return socket
  } catch {
    return undefined
  }
}

/** The state, as soon as all is ready; undefined when the other side ends before that. */
export async function readState(socket: Socket): Promise<UpState | undefined> {
  for await (const line of createInterface({ input: socket })) return JSON.parse(line) as UpState
  return undefined
}

/** Asks for the end of everything and waits for it. */
export async function askToStop(socket: Socket): Promise<void> {
  socket.resume()
  socket.write('stop\n')
  await once(socket, 'close')
}

/**
 * Answers `connectUp` in the current folder: everyone who connects gets the state, once `state` resolves, and `onStop`
 * is called when one asks for the end. Undefined when another process answers there already.
 */
export async function serveUp({
  state,
  onStop,
}: {
  state: Promise<UpState>
  onStop: () => void
}): Promise<{ readonly close: () => void } | undefined> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    createInterface({ input: socket }).on('line', (line) => {
      if (line === 'stop') onStop()
    })
    void state.then((now) => socket.write(`${JSON.stringify(now)}\n`))
  })
  if (!(await claimSocket(server))) return undefined
  return {
    close() {
      server.close()
      for (const socket of open) socket.destroy()
      rmSync(socketPath, { force: true })
    },
  }
}

/** False when another process answers already. The socket of a process that is gone is in the way, and goes. */
async function claimSocket(server: Server): Promise<boolean> {
  const release = await acquireFolderLock({ folder: '.', doing: 'starting' })
  try {
    const other = await connectUp()
    other?.destroy()
    if (other !== undefined) return false
    rmSync(socketPath, { force: true })
    server.listen(socketPath)
    await once(server, 'listening')
    return true
  } finally {
    release()
  }
}
