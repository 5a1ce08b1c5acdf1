import { cycle } from './cycle.ts'
import { declared } from './declared.ts'
import type { Facts, Guard, Verdict, Whole, WholeGuard } from './facts.ts'
import { fieldOwned } from './field-owned.ts'
import { inFlight } from './in-flight.ts'
import { invalidConfig } from './invalid-config.ts'
import { missingReference } from './missing-reference.ts'
import { outputInUse } from './output-in-use.ts'
import { outputsUnavailable } from './outputs-unavailable.ts'
import { queuedBehind } from './queued-behind.ts'
import { imagesTooLarge, tooLarge } from './too-large.ts'
import { truncated } from './truncated.ts'

/** Every guard, in the order in which people read their answers: of each Component, then of all together. */
const guards: readonly Guard[] = [
  tooLarge,
  invalidConfig,
  fieldOwned,
  missingReference,
  outputInUse,
  declared,
  outputsUnavailable,
]
const wholeGuards: readonly WholeGuard[] = [imagesTooLarge, truncated, cycle, inFlight, queuedBehind]

export const judge = (facts: readonly Facts[], whole: Whole): Verdict[] => [
  ...facts.flatMap((one) => guards.flatMap((guard) => guard(one))),
  ...wholeGuards.flatMap((guard) => guard(whole)),
]
