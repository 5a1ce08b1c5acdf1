import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { failure, type Result, success } from '../api/result.ts'
import type { InputFile } from './terminal.ts'

/** Of a folder kubectl reads these, and not those of folders in it. */
const manifest = /\.(ya?ml|json)$/

/** Fails with `InvalidManifest`. */
export const readFiles = async (path: string): Promise<Result<InputFile[]>> => {
  if (path === '-') return success([{ name: 'standard input', text: await text(process.stdin) }])
  try {
    if (!statSync(path).isDirectory()) return success([{ name: path, text: readFileSync(path, 'utf8') }])
    const entries = readdirSync(path, { withFileTypes: true })
    const names = entries.filter((entry) => !entry.isDirectory() && manifest.test(entry.name)).map(({ name }) => name)
    return success(
      names.sort().map((name) => ({ name: join(path, name), text: readFileSync(join(path, name), 'utf8') })),
    )
  } catch (error) {
    return failure({ reason: 'InvalidManifest', message: `-f ${path}: ${(error as Error).message}`, retry: false })
  }
}
