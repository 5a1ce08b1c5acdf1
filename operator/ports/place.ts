import type { Result } from '../api/result.ts'

/** Where the relay remembers how far it came: per kind, the resourceVersion up to which everything is published. */
export interface Place {
  read(kind: string): Promise<Result<string | undefined>>
  write(kind: string, resourceVersion: string): Promise<Result<void>>
}
