import assert from 'node:assert/strict'
import type { ChangeRequestStatus, Prepared, WriteAhead } from '../../../../operator/api/kinds.generated.ts'
import {
  aheadIn,
  decided,
  environmentsAhead,
  fateOf,
  targetsIn,
  undecidedIn,
} from '../../../../operator/core/change/ahead.ts'
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

  it('the environments it was written ahead in', () => {
    const ofStatus = (status: ChangeRequestStatus) => environmentsAhead(aChangeRequest({ status }))
    assert.deepEqual(ofStatus(applying(alone)), ['dev/dev'])
    assert.deepEqual(ofStatus(applying(several)), ['dev/dev', 'web/prod'])
    assert.deepEqual(ofStatus({ ...applying(several), phase: 'Applied' }), [])
    assert.deepEqual(ofStatus({ phase: 'Queued', environment: 'dev' }), [])
  })

  const component = (name: string, environment?: string) => ({
    name,
    ...(environment !== undefined && { environment }),
    uid: 'u',
    resourceVersion: '1',
    before: '{}',
  })
  const three = [component('a.x', 'dev/dev'), component('a.y', 'dev/dev'), component('a.x', 'web/prod')]
  const targets: [title: string, writeAhead: WriteAhead, environment: string, expected: string[]][] = [
    ['of one environment', { ...alone, components: [component('a.x')] }, 'dev/dev', ['a.x']],
    ['of the first', { ...several, components: three }, 'dev/dev', ['a.x', 'a.y', 'web/a.x in web/prod']],
    [
      'of the second',
      { ...several, components: three },
      'web/prod',
      ['a.x', 'dev/a.x in dev/dev', 'dev/a.y in dev/dev'],
    ],
    ['where it writes none', { ...several, components: three.slice(0, 1) }, 'web/prod', ['dev/a.x in dev/dev']],
    ['that it writes none in', { ...several, components: three.slice(2) }, 'web/prod', ['a.x', 'dev/dev in dev/dev']],
  ]
  for (const [title, writeAhead, environment, expected] of targets) {
    it(`the Components ${title}: ${expected.join(', ')}`, () => {
      const found = targetsIn(aChangeRequest({ status: applying(writeAhead) }), environment)
      assert.deepEqual(
        found.map((target) => `${target.component}${target.elsewhere ? ` in ${target.elsewhere}` : ''}`),
        expected,
      )
      assert.ok(found.every(({ stage }) => stage === 'Reread'))
    })
  }

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
