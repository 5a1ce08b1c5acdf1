import type { Informer } from './informer.ts'

type Named<K extends 'lastContact' | 'hasSynced'> = readonly [name: string, informer: Pick<Informer<unknown>, K>]

/** A watch that has been silent for so long has died without telling, in milliseconds. */
const silence = 180_000

/**
 * Which of them has heard nothing for too long; for a probe of liveness. One that has not been listed yet is not silent:
 * a new process would not find the server sooner.
 *
 * @param now monotonic milliseconds
 */
export const silent = (informers: readonly Named<'lastContact'>[], now: number): string | undefined =>
  sentenceOf(
    informers.filter(([, informer]) => now - (informer.lastContact() ?? now) > silence),
    `nothing heard for ${silence / 1000} s`,
  )

/** Which of them do not know yet what there is; for a probe of readiness. */
export const unsynced = (informers: readonly Named<'hasSynced'>[]): string | undefined =>
  sentenceOf(
    informers.filter(([, informer]) => !informer.hasSynced()),
    'not listed yet',
  )

const sentenceOf = (informers: readonly (readonly [name: string, informer: unknown])[], what: string) =>
  informers.length === 0 ? undefined : informers.map(([name]) => `${name}: ${what}`).join(', ')
