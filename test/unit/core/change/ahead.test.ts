import assert from 'node:assert/strict'
import type { ChangeRequestStatus, Prepared, WriteAhead } from '../../../../operator/api/kinds.generated.ts'
import { aheadIn, decided, fateOf, undecidedIn } from '../../../../operator/core/change/ahead.ts'
import { aChangeRequest } from '../../../support/builders.ts'
import { assertStorable } from '../../../support/storable.ts'

const alone: WriteAhead = { holder: 'pod_1', claim: '7', version: 3 }
const several: WriteAhead = {
  holder: 'pod_1',
  environments: [
    { environment: 'dev/dev', claim: '7', version: 3 },
    { environment: 'web/prod', claim: '9', version: 12 },
  ],
}
const applying = (writeAhead: WriteAhead): ChangeRequestStatus => ({
  phase: 'Applying',
  environment: 'dev',
  writeAhead,
})
const prepared: Prepared = { namespace: 'dev', name: 'wish', uid: 'uid-wish', claim: '9' }

describe('core/change/ahead', () => {
  const parts: [title: string, status: ChangeRequestStatus | undefined, environment: string, claim?: string][] = [
    ['not written ahead', undefined, 'dev/dev'],
    ['of its one environment', applying(alone), 'dev/dev', '7'],
    ['of another one', applying(alone), 'web/prod'],
    ['of one with the same name in another namespace', applying(alone), 'web/dev'],
    ['of the first of several', applying(several), 'dev/dev', '7'],
    ['of the second of several', applying(several), 'web/prod', '9'],
    ['of one that is not among several', applying(several), 'dev/prod'],
    ['taken back', { ...applying(several), phase: 'Pending' }, 'web/prod'],
  ]
  for (const [title, status, environment, claim] of parts) {
    it(`the part ${title}: ${claim ?? 'none'}`, () => {
      const request = aChangeRequest(status ? { status } : {})
      assert.equal(aheadIn(request, environment)?.claim, claim)
      assert.equal(undecidedIn(request, environment), claim)
    })
  }

  it('what is decided is not to be taken back, anywhere', () => {
    const request = aChangeRequest({ status: applying({ ...several, decided: true }) })
    assert.deepEqual(
      ['dev/dev', 'web/prod'].map((environment) => undecidedIn(request, environment)),
      [undefined, undefined],
    )
    assert.equal(aheadIn(request, 'web/prod')?.version, 12)
  })

  const again = { ...several, environments: [{ environment: 'web/prod', claim: '15', version: 13 }] }
  const fates: [title: string, status: ChangeRequestStatus | undefined, fate: ReturnType<typeof fateOf>][] = [
    ['is written ahead', applying(several), 'Undecided'],
    ['is decided', applying({ ...several, decided: true }), 'Decided'],
    ['was taken back', { phase: 'Pending' }, 'Withdrawn'],
    ['was taken back and has ended', { phase: 'Rejected' }, 'Withdrawn'],
    ['was written ahead again', applying(again), 'Withdrawn'],
    ['was written ahead again and decided', applying({ ...again, decided: true }), 'Withdrawn'],
    ['was decided for other environments', applying(alone), 'Withdrawn'],
    ['has finished', { phase: 'Applied' }, 'Withdrawn'],
  ]
  for (const [title, status, fate] of fates) {
    it(`the fate of one that ${title}: ${fate}`, () => {
      assert.equal(fateOf(prepared, 'web/prod', aChangeRequest(status ? { status } : {})), fate)
    })
  }

  it('the fate of one that is gone, or that has only its name: Withdrawn', () => {
    assert.equal(fateOf(prepared, 'web/prod', undefined), 'Withdrawn')
    const other = aChangeRequest({ status: applying(several), metadata: { uid: 'another' } })
    assert.equal(fateOf(prepared, 'web/prod', other), 'Withdrawn')
  })

  it('the decision changes one field', () => {
    const request = aChangeRequest({ status: applying(several) })
    const status = decided(request)
    assertStorable('ChangeRequest', status)
    assert.deepEqual(status, { ...request.status, writeAhead: { ...several, decided: true } })
  })
})
