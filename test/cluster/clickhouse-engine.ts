/**
 * `clickhouse-engine.ts FOLDER PORT`: chDB behind the HTTP interface of ClickHouse, as far as a client of it speaks it:
 * POST with the statement in the body, or in `query` with the data in the body; `param_…`, `database`, `default_format`
 * and settings as parameters; basic auth; faults with their number in X-ClickHouse-Exception-Code. Each request has a
 * session of its own, so that nothing of one is left for the next. Users are in CLICKHOUSE_USERS, [{user, password}]; who
 * is called reader may read only.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Session } from 'chdb'

const [folder = '', port = '0'] = process.argv.slice(2)
const users = JSON.parse(process.env.CLICKHOUSE_USERS ?? '[]') as { user: string; password: string }[]
const version = '(version 26.7, chDB behind HTTP)'

/** of the HTTP layer, which the engine alone does not know */
const ofHttp = new Set(['wait_end_of_query', 'send_progress_in_http_headers', 'enable_http_compression'])
const ofRequest = new Set(['query', 'query_id', 'session_id', 'database', 'default_format', 'role'])

// Keeps the engine: it ends with its last session.
const lasting = new Session(folder)

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/ping') return void response.end('Ok.\n')
  const body = await textOf(request)
  const name = userOf(request)
  if (name === undefined) return refuse(response, 403, authenticationFailed(request))
  const query = searchParams.get('query')
  const sql = query === null ? body : body === '' ? query : `${query}\n${body}`
  const session = new Session(folder)
  try {
    const beforehand = statementsBefore(searchParams, name)
    if (beforehand !== '') await session.queryAsync(beforehand)
    const result = await session.queryAsync(sql, { format: searchParams.get('default_format') ?? 'TabSeparated' })
    response.writeHead(200, {
      'content-type': 'text/plain; charset=UTF-8',
      'x-clickhouse-query-id': searchParams.get('query_id') ?? '',
      'x-clickhouse-summary': JSON.stringify({ read_rows: String(result.rowsRead), elapsed_ns: '1' }),
    })
    response.end(result.bytes())
  } catch (error) {
    refuse(response, 500, (error as Error).message)
  } finally {
    session.close()
  }
}

/** What the engine is told before the statement. Parameters go on as the text that they came as. */
const statementsBefore = (searchParams: URLSearchParams, user: string): string => {
  const settings: string[] = []
  for (const [name, value] of searchParams) {
    if (ofHttp.has(name) || ofRequest.has(name)) continue
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`Code: 36. DB::Exception: ${name}. (BAD_ARGUMENTS)`)
    settings.push(`${name} = ${literal(value)}`)
  }
  const database = searchParams.get('database')
  return [
    // Together: a statement costs the engine more than what it sets.
    ...(settings.length > 0 ? [`SET ${settings.join(', ')}`] : []),
    ...(database ? [`USE ${database.replace(/\W/g, '')}`] : []),
    // Of a kind that may set what it wants for its own queries, as profiles for readers mostly are.
    ...(user === 'reader' ? ['SET readonly = 2'] : []),
  ].join('; ')
}

const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const userOf = ({ headers }: IncomingMessage): string | undefined => {
  const [user, password] = credentialsOf(headers.authorization)
  return users.find((one) => one.user === user && one.password === password)?.user
}

const credentialsOf = (header = ''): [string, string] => {
  const text = Buffer.from(header.replace(/^Basic /, ''), 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)]
}

const authenticationFailed = ({ headers }: IncomingMessage): string =>
  `Code: 516. DB::Exception: ${credentialsOf(headers.authorization)[0]}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED) ${version}`

const refuse = (response: ServerResponse, status: number, message: string): void => {
  const code = /Code: (\d+)/.exec(message)?.[1] ?? '1002'
  response.writeHead(status, { 'content-type': 'text/plain; charset=UTF-8', 'x-clickhouse-exception-code': code })
  response.end(`${message}\n`)
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

// As ClickHouse has it: 10 s, and addresses of up to a megabyte.
const server = createServer({ keepAliveTimeout: 10_000, maxHeaderSize: 1024 * 1024 }, (request, response) => {
  answer(request, response).catch((error: unknown) => {
    if (!response.headersSent) refuse(response, 500, String(error))
    response.destroy()
  })
})
server.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  lasting.close()
})
