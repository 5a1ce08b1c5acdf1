import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiRequest } from './api-request.ts'

type Match = (request: ApiRequest) => boolean

/** Decides for each line of a watch: itself, others instead, or none. A line has no newline at its end. */
export type LineHook = (line: string, request: ApiRequest) => string | readonly string[]

export interface WatchRelay {
  /** Passes a watch's answer on, from now until it ends. */
  relay(request: ApiRequest, from: IncomingMessage, to: ServerResponse): void
  /** Watches that match, also later ones, stay open and say nothing until the returned function is called. */
  freeze(match?: Match): () => void
  /** Destroys the connections of open watches, in the middle of a line if `partial` is given. */
  cut(match?: Match, partial?: string): number
  /** Sends a line to open watches as if the server had. */
  inject(line: string, match?: Match): number
  /** Asked latest first, each with what the one before made of it. Returns the way to take it off. */
  onLine(hook: LineHook): () => void
  open(match?: Match): number
}

interface OpenWatch {
  readonly request: ApiRequest
  readonly to: ServerResponse
  /** lines that wait for the thaw */
  readonly held: string[]
  /** the server has ended it */
  ended: boolean
}

const all: Match = () => true

export const makeWatchRelay = (): WatchRelay => {
  const watches = new Set<OpenWatch>()
  const freezes = new Set<Match>()
  const hooks: LineHook[] = []

  const isFrozen = ({ request }: OpenWatch): boolean => [...freezes].some((match) => match(request))
  const send = (watch: OpenWatch, line: string): void => {
    if (isFrozen(watch)) watch.held.push(line)
    else if (!watch.to.destroyed) watch.to.write(`${line}\n`)
  }
  const transformed = (line: string, request: ApiRequest): readonly string[] => {
    let lines: readonly string[] = [line]
    for (const hook of hooks.toReversed()) lines = lines.flatMap((one) => hook(one, request))
    return lines
  }
  const matching = (match: Match): OpenWatch[] => [...watches].filter(({ request }) => match(request))

  return {
    relay: (request, from, to) => {
      const watch: OpenWatch = { request, to, held: [], ended: false }
      watches.add(watch)
      let rest = ''
      from.setEncoding('utf8')
      from.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) for (const one of transformed(line, request)) send(watch, one)
      })
      from.on('end', () => {
        // A frozen watch does not even say that it has ended.
        watch.ended = true
        if (!isFrozen(watch)) to.end()
      })
      from.on('error', () => to.destroy())
      to.on('close', () => {
        watches.delete(watch)
        from.destroy()
      })
    },
    freeze: (match = all) => {
      const one: Match = (request) => match(request)
      freezes.add(one)
      return () => {
        freezes.delete(one)
        for (const watch of watches) {
          if (isFrozen(watch)) continue
          for (const line of watch.held.splice(0)) send(watch, line)
          if (watch.ended) watch.to.end()
        }
      }
    },
    cut: (match = all, partial) => {
      const found = matching(match)
      for (const { to } of found) {
        if (partial === undefined) to.destroy()
        else to.write(partial, () => to.destroy())
      }
      return found.length
    },
    inject: (line, match = all) => {
      const found = matching(match)
      for (const watch of found) send(watch, line)
      return found.length
    },
    onLine: (hook) => {
      hooks.push(hook)
      return () => {
        const at = hooks.indexOf(hook)
        if (at >= 0) hooks.splice(at, 1)
      }
    },
    open: (match = all) => matching(match).length,
  }
}
