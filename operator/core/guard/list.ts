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
const guards: readonly Guard[] = [
  tooLarge,
  invalidConfig,
  missingReference,
  truncated,
  outputInUse,
  declared,
  outputsUnavailable,
  inFlight,
]

export const judge = (facts: Facts): Verdict[] => guards.flatMap((guard) => guard(facts))
