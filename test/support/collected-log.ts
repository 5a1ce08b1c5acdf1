import type { Logger } from '../../operator/runtime/log.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly data: Record<string, unknown>
  readonly message: string
}

/** A logger that keeps its lines, with the bindings of the children they came through. */
export const makeCollectedLog = (
  lines: LogLine[] = [],
  bindings: Record<string, unknown> = {},
): Logger & { lines: LogLine[] } => {
  const level = (name: LogLine['level']) => (data: object, message: string) => {
    lines.push({ level: name, data: { ...bindings, ...data }, message })
  }
  return {
    lines,
    debug: level('debug'),
    info: level('info'),
    warn: level('warn'),
    error: level('error'),
    child: (more) => makeCollectedLog(lines, { ...bindings, ...more }),
  }
}
