import { declared } from './declared.ts'
import type { Facts, Guard, Verdict } from './facts.ts'
import { inFlight } from './in-flight.ts'
import { invalidConfig } from './invalid-config.ts'
import { missingReference } from './missing-reference.ts'
import { outputInUse } from './output-in-use.ts'
import { outputsUnavailable } from './outputs-unavailable.ts'
import { tooLarge } from './too-large.ts'
import { truncated } from './truncated.ts'

/** Every guard, in the order in which people read their answers. */
const guards = {
  TooLarge: tooLarge,
  InvalidConfig: invalidConfig,
  MissingReference: missingReference,
  Truncated: truncated,
  OutputInUse: outputInUse,
  declared,
  OutputsUnavailable: outputsUnavailable,
  InFlight: inFlight,
} as const satisfies Readonly<Record<string, Guard>>

export const judge = (facts: Facts): Verdict[] => Object.values(guards).flatMap((guard) => guard(facts))

/** Names of the built-in ones, as their verdicts bear them. */
export const builtInGuards: readonly string[] = Object.keys(guards).filter((name) => name !== 'declared')
