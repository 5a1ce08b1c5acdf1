import type { Result } from '../api/result.ts'
import type { Session, SessionOptions } from './session.ts'
import type { Schema } from './structure.ts'

/** A file that was named with -f, or one of the folder that was. */
export interface InputFile {
  readonly name: string
  readonly text: string
}

/** What the command line touches of the world. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** standard output is a terminal, and NO_COLOR is not set */
  readonly colours: boolean
  /** columns of the terminal; absent: standard output is none */
  readonly width?: number
  readonly version: string
  /** A line from the person in front of it; absent: standard input is no terminal. */
  readonly ask?: (question: string) => Promise<string>
  /** `-` is standard input; a folder gives its manifests. */
  readonly readFiles: (path: string) => Promise<Result<readonly InputFile[]>>
  /** what the API server expects of a ChangeRequest */
  readonly requestSchema: () => Schema
  /** epoch milliseconds */
  readonly now: () => number
  /** milliseconds */
  readonly monotonic: () => number
  /** Over at once when the signal is given. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Given at Ctrl-C, which from the first call on does not end the process. */
  readonly interruption: () => AbortSignal
  readonly openSession: (options: SessionOptions) => Promise<Result<Session>>
}
