import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ClickHouseClient, ClickHouseClientConfigOptions, ClickHouseSettings } from '@clickhouse/client'
import { failure, type Result, success } from '../../api/result.ts'

type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>

const mebibyte = 1024 * 1024

/**
 * One set for every call. chDB keeps a setting for all later queries of the connection: it is told these once, for with
 * them each call would be ten statements, and one that stood on a single call (a deduplication token above all, which
 * makes later inserts vanish) would leak.
 */
const settings: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplication_token: '',
  // Otherwise whole numbers above 2^53 come back rounded.
  output_format_json_quote_64bit_integers: 1,
  date_time_input_format: 'best_effort',
  input_format_skip_unknown_fields: 0,
  // Whoever asks for much must not end the operator: groups go to disk first, and then the question fails.
  max_bytes_before_external_group_by: String(256 * mebibyte),
  max_bytes_before_external_sort: String(256 * mebibyte),
  max_memory_usage: String(1024 * mebibyte),
  // Seconds. Longer than anybody waits for an answer, and what is to be written waits behind it.
  max_execution_time: 30,
}

/**
 * The ClickHouse engine within this process (chDB), with its data in `folder`, which is made when it is missing. One
 * process at a time may have it, and one process only one folder. The engine (some 250 MB resident) is loaded here and
 * nowhere else. Fails with `LedgerUnavailable`.
 */
export const openEmbeddedClient = async (folder: string): Promise<Result<ClickHouseClient>> => {
  const path = resolve(folder)
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const [{ createClient }, { createChdbConnection }] = await Promise.all([
      import('@clickhouse/client'),
      import('chdb/connection'),
    ])
    // The same interface from two packages, which exactOptionalPropertyTypes takes for two.
    const connection = createChdbConnection({ path }) as unknown as Connection
    const client = createClient({ connection })
    await client.command({ query: 'SELECT 1', clickhouse_settings: settings })
    return success(client)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return failure({
      reason: 'LedgerUnavailable',
      message: `ledger: data folder ${path} cannot be opened: ${said}. Only one process at a time can use it: stop the other one, or name another folder`,
      retry: true,
    })
  }
}

export interface LedgerServer {
  /** http://HOST:PORT or https://… */
  readonly url: string
  readonly user: string
  readonly password: string
}

/** Milliseconds after which a server that says nothing is taken for gone: a question that takes too long fails before. */
const silence = 35_000

/** A ClickHouse server by HTTP. Nothing is asked yet. */
export const makeServerClient = async (
  { url, user, password }: LedgerServer,
  { silenceMs = silence }: { silenceMs?: number } = {},
): Promise<ClickHouseClient> => {
  const { ClickHouseLogLevel, createClient } = await import('@clickhouse/client')
  return createClient({
    url,
    username: user,
    password,
    application: 'karma',
    request_timeout: silenceMs,
    // Appends go one after the other; the rest is for those who ask.
    max_open_connections: 8,
    // A server closes what idles: after 10 s, ClickHouse Cloud after 3 s. Whoever writes to it at that moment gets ECONNRESET.
    keep_alive: { enabled: true, idle_socket_ttl: 2_000, eagerly_destroy_stale_sockets: true },
    clickhouse_settings: {
      ...settings,
      // An answer begins when it is whole: a fault on the way is an error then, and not the end of a shorter answer.
      wait_end_of_query: 1,
      // What nobody waits for any more does not go on.
      cancel_http_readonly_queries_on_client_close: 1,
    },
    // What fails comes back as a value, and is said where it matters.
    log: { level: ClickHouseLogLevel.OFF },
  })
}
