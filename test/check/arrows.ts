import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, resolve } from 'node:path'

/**
 * Holds the arrows of the layout: which room of operator/ may import which, and which packages. Prints every import
 * that is against the rules; exit code 1 when there is one.
 */
const operator = resolve(import.meta.dirname, '../../operator')

interface Room {
  /** rooms it may import from; its own always */
  readonly rooms: readonly string[]
  readonly packages: readonly (string | RegExp)[]
  /** rooms of which it may know types only */
  readonly types?: readonly string[]
}

const kubernetes = ['@kubernetes/client-node', 'undici']
const neptune = [
  'gremlin',
  // its format, which driver.ts reads and writes under supervision
  /^gremlin\/lib\/structure\/io\//,
  '@smithy/signature-v4',
  '@aws-crypto/sha256-js',
  '@aws-sdk/credential-provider-node',
]
const kafka = [/^kafkajs/, 'aws-msk-iam-sasl-signer-js', 'lz4-napi', 'snappy']
const rooms: Readonly<Record<string, Room>> = {
  api: { rooms: [], packages: [] },
  core: { rooms: ['api'], packages: ['ajv', /^ajv\//, 'ajv-formats', 're2js', '@marcbachmann/cel-js', 'node:crypto'] },
  ports: { rooms: ['api'], types: ['core'], packages: [] },
  runtime: { rooms: [], packages: ['prom-client', 'node:http', 'node:crypto'] },
  adapters: {
    rooms: ['ports', 'api'],
    packages: [/^node:/, ...kubernetes, '@clickhouse/client', /^chdb/, ...neptune, ...kafka],
    types: ['core'],
  },
  controllers: { rooms: ['core', 'ports', 'api', 'runtime'], packages: [] },
  sinks: { rooms: ['core', 'ports', 'api'], types: ['runtime'], packages: [] },
  server: { rooms: ['core', 'ports', 'api'], types: ['runtime'], packages: ['fastify', /^node:/] },
  cli: {
    rooms: ['core', 'ports', 'api'],
    packages: ['commander', 'yaml', /^node:/],
  },
}

/** Folders and files that may import from one more place. */
const exceptions: Readonly<Record<string, string>> = {
  // The embedded graph is core/graph itself, kept by version; there is no vendor to keep out.
  'adapters/graph-embedded': 'core/graph',
  'adapters/graph-gremlin': 'core/graph',
  // The command line is a program of its own: this is where it is put together, as main.ts puts the operator together.
  'cli/kubeconfig.ts': 'adapters/kubernetes',
}

interface Import {
  readonly from: string
  readonly isType: boolean
}

const importsOf = (text: string): Import[] =>
  [
    ...text.matchAll(
      /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/gm,
    ),
  ].map(([, isType, from, dynamic]) => ({ from: (from ?? dynamic)!, isType: isType !== undefined }))

const roomOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : 'main')

const against = (file: string, { from, isType }: Import): string | undefined => {
  const room = roomOf(file)
  if (room === 'main') return undefined
  const rules = rooms[room]
  if (!rules) return `operator/${file}: there is no room ${room}`
  if (!from.startsWith('.')) {
    const allowed = rules.packages.some((name) => (typeof name === 'string' ? name === from : name.test(from)))
    return allowed ? undefined : `operator/${file}: ${room} may not import the package ${from}`
  }
  const targetFile = relative(operator, normalize(join(operator, dirname(file), from)))
  const exception = exceptions[file] ?? exceptions[dirname(file)]
  if (exception !== undefined && targetFile.startsWith(exception)) return undefined
  const target = roomOf(targetFile)
  if (target === room || rules.rooms.includes(target)) return undefined
  if (isType && rules.types?.includes(target)) return undefined
  const types = rules.types?.includes(target) ? ` (only types of it: write \`import type\`)` : ''
  return `operator/${file}: ${room} may not import ${from}${types}`
}

const files = globSync('**/*.ts', { cwd: operator })
const found = files.flatMap((file) =>
  importsOf(readFileSync(join(operator, file), 'utf8')).flatMap((one) => against(file, one) ?? []),
)
for (const line of found) process.stderr.write(`${line}\n`)
process.stdout.write(`${files.length} files of operator/, ${found.length} imports against the layout\n`)
process.exitCode = found.length === 0 ? 0 : 1
