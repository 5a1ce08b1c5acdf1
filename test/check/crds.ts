import { faultsOf, statusSizeOf } from './bounds.ts'
import { kindsFolder } from './places.ts'
import { readKinds } from './schema.ts'

// Part of npm run check: the kinds keep the rules of every kind.

/** Characters of JSON. etcd takes 1.5 MiB in one write; this leaves room for metadata, spec and what free form adds. */
const largestStatus = 262_144

const kinds = readKinds(kindsFolder)
const faults = kinds.flatMap(faultsOf)

for (const kind of kinds) {
  const { bounds, freeForm } = statusSizeOf(kind)
  console.log(`${kind.name}: status at most ${bounds} characters by its bounds, ${freeForm} more in free form`)
  if (bounds > largestStatus) {
    faults.push(`${kind.file}: status: expected bounds that allow at most ${largestStatus} characters, found ${bounds}`)
  }
}

for (const fault of faults) console.error(fault)
console.log(`${kinds.length} kinds, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1
