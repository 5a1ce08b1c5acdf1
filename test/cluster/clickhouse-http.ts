import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Attached, startAttached } from './attached.ts'
import { freePort } from './free-port.ts'

const program = resolve(import.meta.dirname, 'clickhouse-engine.ts')
const readyMs = 60_000

/**
 * The engine of ClickHouse (chDB) behind ClickHouse's HTTP interface, on the loopback, as a process of its own. No
 * package brings the server itself; what this shows is that the client, the statements and the settings go over HTTP.
 */
export interface ClickHouseHttp {
  /** http://127.0.0.1:port, the same after a restart */
  readonly url: string
  readonly pid: () => number
  /** ends it with SIGKILL; its data stay */
  readonly kill: () => Promise<void>
  /** on the same port, with the same data. Resolves when it answers. */
  readonly restart: () => Promise<void>
  /** ends it and removes its data; may be called twice */
  readonly close: () => Promise<void>
}

/** Who is let in. The reader may read. */
export const users = {
  writer: { user: 'karma', password: 'pass:word ü' },
  reader: { user: 'reader', password: 'only' },
} as const

/** `started: false`: nothing listens there until `restart`. */
export async function startClickHouseHttp({ started = true }: { started?: boolean } = {}): Promise<ClickHouseHttp> {
  const folder = mkdtempSync(join(tmpdir(), 'karma-clickhouse-'))
  const log = join(folder, 'server.log')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let running: Attached | undefined
  const kill = async (): Promise<void> => running?.stop('SIGKILL')
  const start = async (): Promise<void> => {
    const output = openSync(log, 'a')
    running = startAttached({
      command: process.execPath,
      args: [program, join(folder, 'data'), String(port)],
      env: { ...process.env, CLICKHOUSE_USERS: JSON.stringify(Object.values(users)) },
      output,
      removeWithParent: folder,
    })
    closeSync(output)
    if (await answers(url, running)) return
    await kill()
    throw new Error(`the engine behind HTTP did not start; its log:\n${readFileSync(log, 'utf8').slice(-2000)}`)
  }
  const close = async (): Promise<void> => {
    await kill()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    if (started) await start()
  } catch (cause) {
    await close()
    throw cause
  }
  return {
    url,
    pid: () => running?.pid ?? 0,
    kill,
    restart: async () => {
      await kill()
      await start()
    },
    close,
  }
}

async function answers(url: string, server: Attached): Promise<boolean> {
  for (const begun = Date.now(); server.alive() && Date.now() - begun < readyMs; await sleep(50)) {
    const answer = await fetch(`${url}/ping`).catch(() => undefined)
    if (answer?.ok) return server.alive()
  }
  return false
}
