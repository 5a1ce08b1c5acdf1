import { timeOf } from '../api/parse-event.ts'
import { type Result, success } from '../api/result.ts'
import type { Arrived, Happened } from '../ports/ledger.ts'
import { bad } from './query.ts'

/*
 * Where a reading goes on, as one word that the caller hands back: nobody but the operator looks into it. What comes back
 * may be anybody's.
 */

type Part = string | number

const cursorOf = (parts: readonly Part[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url')

export const happenedCursor = ({ ts, entityId, seq, id }: Happened): string => cursorOf([ts, entityId, seq, id])
export const arrivedCursor = ({ at, ts, entityId, seq, id }: Arrived): string => cursorOf([at, ts, entityId, seq, id])
/** Before all that arrived then or later. */
export const arrivalsFrom = (at: number): Arrived => ({
  at,
  ts: new Date(0).toISOString(),
  entityId: '',
  seq: 0,
  id: '',
})
export const waitingCursor = ({ at, id }: { at: string; id: string }): string => cursorOf([at, id])

/** Fails with `BadRequest`, as all in this file. */
export const happenedIn = (text: string | undefined): Result<Happened | undefined> => {
  if (text === undefined) return success(undefined)
  const happened = placeIn(partsIn(text))
  return happened ? success(happened) : unknown(text)
}

export const arrivedIn = (text: string | undefined): Result<Arrived | undefined> => {
  if (text === undefined) return success(undefined)
  const [at, ...parts] = partsIn(text)
  const happened = placeIn(parts)
  return happened && isCount(at) && at < Date.UTC(2200, 0) ? success({ ...happened, at }) : unknown(text)
}

export const waitingIn = (text: string | undefined): Result<{ at: string; id: string } | undefined> => {
  if (text === undefined) return success(undefined)
  const [at, id] = partsIn(text)
  return isTime(at) && typeof id === 'string' ? success({ at, id }) : unknown(text)
}

const placeIn = ([ts, entityId, seq, id]: readonly unknown[]): Happened | undefined => {
  const isOne = isTime(ts) && typeof entityId === 'string' && isCount(seq) && typeof id === 'string'
  return isOne ? { ts, entityId, seq, id } : undefined
}

const isTime = (value: unknown): value is string => typeof value === 'string' && timeOf(value) === value
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const partsIn = (text: string): readonly unknown[] => {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}

const unknown = (text: string): Result<never> => bad('after', 'the next of an earlier answer', text)
