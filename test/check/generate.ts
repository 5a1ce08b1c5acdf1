import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generated } from './generated.ts'

// npm run generate
for (const { file, text } of generated()) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
