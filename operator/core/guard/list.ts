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
const guards = {
  TooLarge: tooLarge,
  InvalidConfig: invalidConfig,
  FieldOwned: fieldOwned,
  MissingReference: missingReference,
  OutputInUse: outputInUse,
  declared,
  OutputsUnavailable: outputsUnavailable,
} as const satisfies Readonly<Record<string, Guard>>
const wholeGuards = {
  TooLarge: imagesTooLarge,
  Truncated: truncated,
  Cycle: cycle,
  InFlight: inFlight,
  QueuedBehind: queuedBehind,
} as const satisfies Readonly<Record<string, WholeGuard>>

export const judge = (facts: readonly Facts[], whole: Whole): Verdict[] => [
  ...facts.flatMap((one) => Object.values(guards).flatMap((guard) => guard(one))),
  ...Object.values(wholeGuards).flatMap((guard) => guard(whole)),
]

/** Names of the built-in ones, as their verdicts bear them. */
export const builtInGuards: readonly string[] = [
  ...new Set([...Object.keys(guards), ...Object.keys(wholeGuards)]),
].filter((name) => name !== 'declared')
