import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, resolve } from 'node:path'

/**
 * Holds the arrows of the layout: which room of operator/ may import which, and which packages; and that a unit test does
 * not load what takes a second. Prints every import that is against the rules; exit code 1 when there is one.
 */
const root = resolve(import.meta.dirname, '../..')
const operator = join(root, 'operator')

interface Room {
  /** rooms it may import from; its own always */
  readonly rooms: readonly string[]
  readonly packages: readonly (string | RegExp)[]
  /** rooms of which it may know types only */
  readonly types?: readonly string[]
}

/** Of Kubernetes' client the whole takes half a second and 90 MB to load: one file takes a part of it. */
const heavy = '@kubernetes/client-node/dist/config.js'
const heavyFile = 'adapters/kubernetes/kube-config.ts'
/** Evaluates scripts in what it is given; it comes with the client, which does not use it for what Karma does. */
const forbidden = 'jsonpath-plus'
const kubernetes = [heavy, 'undici']
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

/** What is loaded with a file. */
const staticImportsOf = (text: string): Import[] =>
  [...text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)].map(
    ([, isType, from]) => ({ from: from!, isType: isType !== undefined }),
  )

const importsOf = (text: string): Import[] => [
  ...staticImportsOf(text),
  ...[...text.matchAll(/import\(\s*['"]([^'"]+)['"]/g)].map(([, from]) => ({ from: from!, isType: false })),
]

const roomOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : 'main')

const against = (file: string, { from, isType }: Import): string | undefined => {
  const room = roomOf(file)
  if (from === forbidden) return `operator/${file}: nobody may import the package ${from}`
  if (from === heavy && file !== heavyFile) return `operator/${file}: only ${heavyFile} may import ${from}`
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

/** By which files a file of the project comes to load Kubernetes' client; undefined: it does not. */
const loadingWay = (file: string, seen: Set<string>): readonly string[] | undefined => {
  if (seen.has(file)) return undefined
  seen.add(file)
  if (file === `operator/${heavyFile}`) return [file, heavy]
  for (const { from, isType } of staticImportsOf(readFileSync(join(root, file), 'utf8'))) {
    if (isType) continue
    if (!from.startsWith('.')) continue
    const way = loadingWay(normalize(join(dirname(file), from)), seen)
    if (way) return [file, ...way]
  }
  return undefined
}

const files = globSync('**/*.ts', { cwd: operator })
const unitTests = globSync('test/unit/**/*.test.ts', { cwd: root })
const found = [
  ...files.flatMap((file) =>
    importsOf(readFileSync(join(operator, file), 'utf8')).flatMap((one) => against(file, one) ?? []),
  ),
  ...unitTests.flatMap((file) => {
    const way = loadingWay(file, new Set())
    return way ? [`${way.join(' -> ')}: a unit test may not load it; such a test is one of test/integration`] : []
  }),
]
for (const line of found) process.stderr.write(`${line}\n`)
process.stdout.write(
  `${files.length} files of operator/, ${unitTests.length} unit tests, ${found.length} imports against the layout\n`,
)
process.exitCode = found.length === 0 ? 0 : 1
