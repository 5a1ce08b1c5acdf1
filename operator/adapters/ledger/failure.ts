import type { Failure } from '../../api/result.ts'
import { cut } from '../../api/text.ts'

/**
 * What the engine, or the way to it, said, as one line with what to do next. `retry: false`: it will not go by itself.
 * What is not known may well, as a server that starts says many things.
 */
export const failureOf = (error: unknown, where: string): Failure => {
  const said = (reason: string, text: string, retry: boolean): Failure => ({
    reason,
    message: `ledger in ${where}: ${text}`,
    retry,
  })
  const text = lineOf(error)
  const { code, type } = (error ?? {}) as { code?: unknown; type?: unknown }
  if (typeof code !== 'string') return said('LedgerUnavailable', text, true)
  // Two packages bring the class of the engine's errors, and both number them.
  if (/^\d+$/.test(code)) {
    if (unauthorized.has(code)) {
      const next = 'set KARMA_LEDGER_USER and KARMA_LEDGER_PASSWORD right'
      return said('LedgerUnauthorized', `the user is not let in: ${text}; ${next}`, false)
    }
    if (forbidden.has(code)) {
      return said('LedgerForbidden', `the user may not do that: ${text}; grant it all on database karma`, false)
    }
    return said('LedgerUnavailable', `${text} (${type ?? code})`, true)
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return said('LedgerUnavailable', `its host is not known (${code}); look at KARMA_LEDGER_URL`, true)
  }
  if (otherProtocol.test(code)) {
    return said(
      'LedgerUnavailable',
      `what answers does not speak what the address says (${code}); look at KARMA_LEDGER_URL`,
      false,
    )
  }
  if (certificate.test(code)) {
    const next = 'name the CA that it is from by NODE_EXTRA_CA_CERTS, or the host that it is for by KARMA_LEDGER_URL'
    return said('LedgerUnavailable', `its certificate is not trusted: ${text} (${code}); ${next}`, false)
  }
  return said('LedgerUnavailable', `no answer: ${text}`, true)
}

/** UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED */
const unauthorized: ReadonlySet<string> = new Set(['192', '193', '194', '516'])
/** READONLY, ACCESS_DENIED */
const forbidden: ReadonlySet<string> = new Set(['164', '497'])
const otherProtocol = /^(EPROTO|HPE_|ERR_SSL_)/
const certificate = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/

/** The first line: an engine adds where in its code, a proxy a page. */
const lineOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  const line = text.trim().split('\n')[0]?.trim() || (error as { code?: string } | null)?.code
  return cut((line || 'it said nothing').replace(/[.\s]+$/, ''), 300)
}
