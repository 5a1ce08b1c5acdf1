import { createServer, type Server } from 'node:http'

/** A named question about this process: undefined is well, a sentence says what is not. */
export type Check = () => string | undefined

export interface ProbeAnswer {
  readonly status: 200 | 503
  readonly contentType: string
  readonly body: string
}

export type ProbePath = '/healthz' | '/readyz' | '/metrics'

interface Dependencies {
  /** Not well: the process should be started anew. */
  readonly live: Readonly<Record<string, Check>>
  /** Not well: the process should get no traffic, and nothing should wait for it. */
  readonly ready: Readonly<Record<string, Check>>
  readonly metrics?: { text(): Promise<string>; readonly contentType: string }
}

/** The answers to GET requests, for whatever HTTP server there is. */
export type Probes = Readonly<Record<ProbePath, () => Promise<ProbeAnswer>>>

export const makeProbes = ({ live, ready, metrics }: Dependencies): Probes => ({
  '/healthz': async () => asked(live),
  '/readyz': async () => asked(ready),
  '/metrics': async () =>
    metrics
      ? { status: 200, contentType: metrics.contentType, body: await metrics.text() }
      : { status: 503, contentType: plain, body: 'no metrics\n' },
})

const plain = 'text/plain; charset=utf-8'

/** One line per check, as kube-apiserver's `/readyz?verbose` has it. */
const asked = (checks: Readonly<Record<string, Check>>): ProbeAnswer => {
  let status: ProbeAnswer['status'] = 200
  let body = ''
  for (const [name, check] of Object.entries(checks)) {
    const fault = answered(check)
    if (fault !== undefined) status = 503
    body += fault === undefined ? `[+] ${name} ok\n` : `[-] ${name}: ${fault}\n`
  }
  return { status, contentType: plain, body: `${body}${status === 200 ? 'ok' : 'not ok'}\n` }
}

const answered = (check: Check): string | undefined => {
  try {
    return check()
  } catch (error) {
    return `the check threw: ${(error as Error).message}`
  }
}

export interface ProbeServer {
  readonly port: number
  close(): Promise<void>
}

/** The probes on a port of their own. Rejects when the port is taken. */
export const serveProbes = (probes: Probes, at: { host: string; port: number }): Promise<ProbeServer> =>
  new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      const path = (request.url ?? '').split('?')[0]
      const answer = request.method === 'GET' && isProbe(path) ? probes[path]() : Promise.resolve(undefined)
      answer
        .catch((error): ProbeAnswer => ({ status: 503, contentType: plain, body: `${(error as Error).message}\n` }))
        .then((found) => {
          response.writeHead(found?.status ?? 404, { 'content-type': found?.contentType ?? plain })
          response.end(found?.body ?? 'not found\n')
        })
        .catch(() => response.destroy())
    })
    server.requestTimeout = 5000
    server.headersTimeout = 5000
    server.once('error', reject)
    server.listen(at.port, at.host, () => resolve(handleOf(server)))
  })

const isProbe = (path: string | undefined): path is ProbePath =>
  path === '/healthz' || path === '/readyz' || path === '/metrics'

const handleOf = (server: Server): ProbeServer => {
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
