import type { Command } from 'commander'
import type { Result } from '../api/result.ts'
import type { Session, SessionOptions } from './session.ts'
import type { Terminal } from './terminal.ts'

/** What every command may be told. */
export interface CommonFlags extends SessionOptions {
  readonly namespace?: string
}

/** A command that is connected. `namespace`: that of -n, else that of the kubeconfig's context. */
export interface Desk {
  readonly session: Session
  readonly namespace: string
  readonly terminal: Terminal
}

/**
 * Opens the session, does the work and closes it. What the work resolves is the exit code; a failure is printed, and
 * the exit code is 1.
 */
export type Run = (flags: CommonFlags, work: (desk: Desk) => Promise<Result<number>>) => Promise<void>

/** Adds a verb to the program. */
export type Verb = (program: Command, run: Run) => void
