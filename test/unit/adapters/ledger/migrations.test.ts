import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { migrations } from '../../../../operator/adapters/ledger/migrations.ts'

/** As `migrate` writes them down beside the data. */
const sums = ['8dc50b35aca47fd8', 'cbee0b2775003e2c', '1cff0433ba2264d2', '52b34b2affe619a9', '2b26b537e6c39f53']

describe('migrations of the ledger', () => {
  it('are numbered from 1', () => {
    assert.deepEqual(
      migrations.map(({ number }) => number),
      migrations.map((_, i) => i + 1),
    )
  })

  it('stay as they were released, or an operator refuses the data that it wrote itself: another one is added', () => {
    assert.deepEqual(
      migrations.map(({ statements }) => hash('sha256', statements.join(';\n')).slice(0, 16)),
      sums,
    )
  })
})
