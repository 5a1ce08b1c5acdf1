import type { Write } from './model.ts'
import { recordsOf } from './statements.ts'

/**
 * In their order, as many together as one request may carry. Of 200 records the steps are never more than 500; Neptune
 * takes 1,500.
 */
export const batchesOf = (writes: readonly Write[], mostRecords: number): Write[][] => {
  const batches: Write[][] = []
  let batch: Write[] = []
  let records = 0
  for (const write of writes) {
    const more = recordsOf(write)
    if (batch.length > 0 && records + more > mostRecords) {
      batches.push(batch)
      batch = []
      records = 0
    }
    batch.push(write)
    records += more
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
