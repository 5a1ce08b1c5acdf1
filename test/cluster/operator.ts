import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Attached, startAttached } from './attached.ts'

/** the composition root, run by Node as it is */
export const operatorMain = resolve(import.meta.dirname, '../../operator/main.ts')

/**
 * Starts the operator as a process of its own, which ends with this process at the latest.
 *
 * @param data folder of its data
 * @param http host:port of its port
 * @param log file to which its output is appended
 * @param program the composition root, if it is not this one
 * @param removeWithParent a folder to remove if this process dies without stopping it
 */
export function startOperator({
  kubeconfig,
  data,
  http,
  log,
  env = {},
  program = operatorMain,
  removeWithParent = '',
}: {
  kubeconfig: string
  data: string
  http: string
  log: string
  env?: Readonly<Record<string, string>>
  program?: string | undefined
  removeWithParent?: string
}): Attached {
  const output = openSync(log, 'a')
  try {
    return startAttached({
      command: process.execPath,
      args: [program],
      env: { ...process.env, KUBECONFIG: kubeconfig, KARMA_DATA: data, KARMA_HTTP: http, ...env },
      output,
      removeWithParent,
    })
  } finally {
    closeSync(output)
  }
}

/** Resolves with true when something listens on `host:port`, with false when the process ends or time is up before. */
export async function whenListening({
  http,
  process: { alive },
  timeoutMs = 60_000,
}: {
  http: string
  process: Pick<Attached, 'alive'>
  timeoutMs?: number
}): Promise<boolean> {
  const [host = '127.0.0.1', port] = http.split(':')
  const deadline = Date.now() + timeoutMs
  while (alive() && Date.now() < deadline) {
    if (await accepts(host, Number(port))) return true
    await sleep(50)
  }
  return false
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, host)
    socket.on('connect', () => answer(true)).on('error', () => answer(false))
    socket.on('connect', () => socket.destroy())
  })
}
