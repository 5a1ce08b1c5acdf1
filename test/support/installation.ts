import { installKarma } from './installed-karma.ts'
import { oncePerRun } from './once-per-run.ts'

/**
 * A control plane with Karma installed and an audit log, for tests that each have operators of their own: who starts one stops
 * it, and keeps to a namespace of their own.
 */
export const installation = oncePerRun(
  'the shared installation',
  () => installKarma({ auditLog: true }),
  (karma) => karma.stop(),
)
