import { writeFileSync } from 'node:fs'
import { generatedFile, kindsFolder } from './places.ts'
import { readKinds } from './schema.ts'
import { renderKinds } from './types.ts'

// npm run generate: crds/*.yaml -> operator/api/kinds.generated.ts
writeFileSync(generatedFile, renderKinds(readKinds(kindsFolder)))
