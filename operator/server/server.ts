import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { Failure, Result } from '../api/result.ts'
import type { Bus } from '../ports/bus.ts'
import type { Ledger } from '../ports/ledger.ts'
import { makeDeadLetterRoute, makeDeadLettersRoute } from './dead-letters.ts'
import { makeDeadLetterReplayRoute } from './dead-letters-replay.ts'
import { makeEventsRoute } from './events.ts'
import { makeReplayRoute } from './events-replay.ts'
import { makeTailRoute } from './events-tail.ts'
import { makeChangesRoute } from './graph-changes.ts'
import { makeHistoryRoute } from './graph-history.ts'
import { makeProgressRoute, type Rebuilding } from './graph-progress.ts'
import type { ReadableGraph, Route } from './graph-query.ts'
import { makeStatesRoute } from './graph-states.ts'
import { makeVersionsRoute } from './graph-versions.ts'
import { type LogDependencies, makeLogRoute } from './log.ts'
import type { Query } from './query.ts'
import { makeStatsRoute } from './stats.ts'

export interface ServerDependencies extends LogDependencies {
  readonly ledger: Omit<Ledger, 'append' | 'keep' | 'close'>
  readonly bus: Pick<Bus, 'republish'>
  /** epoch milliseconds */
  readonly now: () => number
  readonly graph: ReadableGraph
  readonly rebuilding: Rebuilding
  readonly log: { info(data: object, message: string): void; error(data: object, message: string): void }
  /** Requests that may be under way; more are told to come again. */
  readonly capacity?: number
  /** For one request, in milliseconds. */
  readonly timeLimit?: number
}

export interface Server {
  /** Port 0: any free one. Resolves the address, such as `http://127.0.0.1:8480`; rejects when it cannot be had. */
  listen(address: { host: string; port: number }): Promise<string>
  close(): Promise<void>
}

/**
 * The port for people and machines: GET reads, and POST has told again what was told before; nothing else can be written
 * here. Who asks is said by `Authorization: Bearer …`; behind the API server's service proxy, which keeps
 * that header to itself, by `X-Karma-Authorization`. Every answer is JSON; a failure is `{reason, message}`.
 */
export const makeServer = (dependencies: ServerDependencies): Server => {
  const { log, capacity = 32, timeLimit = 15_000 } = dependencies
  const fastify = Fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: timeLimit,
    connectionTimeout: 60_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    http: { maxHeaderSize: 32 * 1024 },
  })
  const routes = routesOf(dependencies)
  const known = (['GET', 'POST'] as const)
    .map((method) => `${method} ${routes.flatMap((one) => (one.method === method ? one.path : [])).join(', ')}`)
    .join('; ')
  let underWay = 0

  /** Runs a route within the limits; what it throws is our fault or that of what it reads, and is not shown. */
  const answer = async (reply: FastifyReply, fails: string, route: () => Promise<Result<unknown>>): Promise<void> => {
    if (underWay >= capacity) return refuse(reply, busy)
    underWay++
    const work = route()
      .catch((error): Result<never> => {
        log.error({ err: error }, 'request failed')
        return { ok: false, failure: unavailable(fails) }
      })
      .finally(() => {
        underWay--
      })
    const result = await within(timeLimit, work)
    if (!result) return refuse(reply, late)
    if (!result.ok) return refuse(reply, result.failure)
    await reply.send(result.value)
  }

  for (const { method, path, fails, route } of routes) {
    fastify.route({
      method,
      url: path,
      handler: async (request, reply) => {
        await answer(reply, fails, () => route(tokenOf(request), request.query as Query))
        return reply
      },
    })
  }
  fastify.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url.slice(0, 200)}: there is only ${known}`
    return refuse(reply, { reason: 'NotFound', message, retry: false })
  })
  fastify.setErrorHandler((error, _request, reply) => {
    const status = (error as { statusCode?: number }).statusCode ?? 500
    if (status >= 500) log.error({ err: error }, 'request failed')
    if (status >= 500) return refuse(reply, unavailable('the request failed'))
    return refuse(reply, { reason: 'BadRequest', message: (error as Error).message, retry: false })
  })

  return {
    listen: (address) => fastify.listen(address),
    close: () => fastify.close(),
  }
}

interface Served {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** what is said when it does not work */
  readonly fails: string
  readonly route: Route<unknown>
}

/** Everything that can be asked. */
const routesOf = ({ access, ledger, bus, graph, rebuilding, now, log }: ServerDependencies): readonly Served[] => {
  const reading = (what: string, path: string, route: Route<unknown>): Served => ({
    method: 'GET',
    path: `/api/v1/${path}`,
    fails: `the ${what} cannot be read`,
    route,
  })
  const replaying = (path: string, route: Route<unknown>): Served => ({
    method: 'POST',
    path: `/api/v1/${path}`,
    fails: 'the replay stopped: the ledger cannot be read, or the bus takes nothing',
    route,
  })
  return [
    reading('ledger', 'log', makeLogRoute({ access, ledger })),
    reading('ledger', 'stats', makeStatsRoute({ access, ledger })),
    reading('ledger', 'events', makeEventsRoute({ access, ledger })),
    reading('ledger', 'events/tail', makeTailRoute({ access, ledger })),
    reading('ledger', 'dead-letters', makeDeadLettersRoute({ access, ledger })),
    reading('ledger', 'dead-letter', makeDeadLetterRoute({ access, ledger })),
    reading('graph', 'graph/versions', makeVersionsRoute({ access, graph })),
    reading('graph', 'graph/changes', makeChangesRoute({ access, graph })),
    reading('graph', 'graph/states', makeStatesRoute({ access, graph })),
    reading('graph', 'graph/progress', makeProgressRoute({ access, rebuilding })),
    reading('ledger', 'graph/history', makeHistoryRoute({ access, ledger })),
    replaying('events/replay', makeReplayRoute({ access, ledger, bus, log })),
    replaying('dead-letters/replay', makeDeadLetterReplayRoute({ access, ledger, bus, now, log })),
  ]
}

const statuses: Readonly<Record<string, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  VersionUnknown: 404,
  VersionCompacted: 410,
  TooLarge: 400,
  Busy: 503,
}

/** Anything that is not the caller's fault is 503: the API server or the ledger may be back soon. */
const refuse = async (reply: FastifyReply, { reason, message }: Failure): Promise<void> => {
  await reply.code(statuses[reason] ?? 503).send({ reason, message })
}

const busy: Failure = { reason: 'Busy', message: 'too many requests are under way; try again', retry: true }
const late: Failure = {
  reason: 'Timeout',
  message: 'the answer takes too long; try again, or a lower limit',
  retry: true,
}
const unavailable = (what: string): Failure => ({
  reason: 'Unavailable',
  message: `${what}; see the operator’s log`,
  retry: true,
})

const tokenOf = ({ headers }: FastifyRequest): string | undefined => {
  const given = headers['x-karma-authorization'] ?? headers.authorization
  return typeof given === 'string' ? /^bearer +([\x21-\x7e]+)$/i.exec(given)?.[1] : undefined
}

const within = async <T>(ms: number, work: Promise<T>): Promise<T | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
