import assert from 'node:assert/strict'
import { failureOf } from '../../../../operator/adapters/ledger/failure.ts'

const said = (message: string, more: object = {}): Error => Object.assign(new Error(message), more)
const where = 'https://db.example:8443'

/** What the engine, the system and TLS say, and what becomes of it. */
const cases: [what: string, error: unknown, reason: string, message: string, retry: boolean][] = [
  [
    'a wrong password, with a hint of many lines behind it',
    said('default: Authentication failed: password is incorrect.\n\nIf you use ClickHouse Cloud…', {
      code: '516',
      type: 'AUTHENTICATION_FAILED',
    }),
    'LedgerUnauthorized',
    'the user is not let in: default: Authentication failed: password is incorrect; set KARMA_LEDGER_USER and KARMA_LEDGER_PASSWORD right',
    false,
  ],
  [
    'a grant that is missing',
    said('karma: Not enough privileges. ', { code: '497', type: 'ACCESS_DENIED' }),
    'LedgerForbidden',
    'the user may not do that: karma: Not enough privileges; grant it all on database karma',
    false,
  ],
  [
    'too much at once',
    said('Too many parts (3000). ', { code: '252', type: 'TOO_MANY_PARTS' }),
    'LedgerUnavailable',
    'Too many parts (3000) (TOO_MANY_PARTS)',
    true,
  ],
  [
    'a host that nobody knows',
    said('getaddrinfo ENOTFOUND db.example', { code: 'ENOTFOUND' }),
    'LedgerUnavailable',
    'its host is not known (ENOTFOUND); look at KARMA_LEDGER_URL',
    true,
  ],
  [
    'a connection that is refused on every address',
    said('', { code: 'ECONNREFUSED' }),
    'LedgerUnavailable',
    'no answer: ECONNREFUSED',
    true,
  ],
  [
    'a certificate of nobody',
    said('self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    'LedgerUnavailable',
    'its certificate is not trusted: self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT); name the CA that it is from by NODE_EXTRA_CA_CERTS, or the host that it is for by KARMA_LEDGER_URL',
    false,
  ],
  [
    'a certificate that does not match',
    said('Hostname/IP does not match', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
    'LedgerUnavailable',
    'its certificate is not trusted: Hostname/IP does not match (ERR_TLS_CERT_ALTNAME_INVALID); name the CA that it is from by NODE_EXTRA_CA_CERTS, or the host that it is for by KARMA_LEDGER_URL',
    false,
  ],
  [
    'plain HTTP where TLS was expected',
    said('write EPROTO 40:error', { code: 'EPROTO' }),
    'LedgerUnavailable',
    'what answers does not speak what the address says (EPROTO); look at KARMA_LEDGER_URL',
    false,
  ],
  ['a page of a proxy', said('<html>\n<h1>502</h1></html>'), 'LedgerUnavailable', '<html>', true],
  ['silence', said('Timeout error.'), 'LedgerUnavailable', 'Timeout error', true],
  ['no error at all', undefined, 'LedgerUnavailable', 'undefined', true],
  ['a text without end', 'x'.repeat(10_000), 'LedgerUnavailable', `${'x'.repeat(297)}…`, true],
]

describe('what went wrong with the ledger', () => {
  for (const [what, error, reason, message, retry] of cases) {
    it(what, () => {
      assert.deepEqual(failureOf(error, where), { reason, message: `ledger in ${where}: ${message}`, retry })
    })
  }
})
