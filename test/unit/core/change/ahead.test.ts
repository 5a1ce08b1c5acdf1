import assert from 'node:assert/strict'
import type { ChangeRequestStatus, Image, Prepared, WriteAhead } from '../../../../operator/api/kinds.generated.ts'
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
    { environment: 'dev/prod', claim: '9', version: 12 },
  ],
}
const applying = (writeAhead: WriteAhead): ChangeRequestStatus => ({
  phase: 'Applying',
  environment: 'dev',
  writeAhead,
})
const prepared: Prepared = { name: 'wish', uid: 'uid-wish', claim: '9' }

describe('core/change/ahead', () => {
  const parts: [title: string, status: ChangeRequestStatus | undefined, environment: string, claim?: string][] = [
    ['not written ahead', undefined, 'dev/dev'],
    ['of its one environment', applying(alone), 'dev/dev', '7'],
    ['of another one', applying(alone), 'dev/prod'],
    ['of one with the same name in another namespace', applying(alone), 'web/dev'],
    ['of the first of several', applying(several), 'dev/dev', '7'],
    ['of the second of several', applying(several), 'dev/prod', '9'],
    ['of one that is not among several', applying(several), 'dev/test'],
    ['taken back', { ...applying(several), phase: 'Pending' }, 'dev/prod'],
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
      ['dev/dev', 'dev/prod'].map((environment) => undecidedIn(request, environment)),
      [undefined, undefined],
    )
    assert.equal(aheadIn(request, 'dev/prod')?.version, 12)
  })

  it('the environments it was written ahead in', () => {
    const ofStatus = (status: ChangeRequestStatus) => environmentsAhead(aChangeRequest({ status }))
    assert.deepEqual(ofStatus(applying(alone)), ['dev/dev'])
    assert.deepEqual(ofStatus(applying(several)), ['dev/dev', 'dev/prod'])
    assert.deepEqual(ofStatus({ ...applying(several), phase: 'Applied' }), [])
    assert.deepEqual(ofStatus({ phase: 'Queued', environment: 'dev' }), [])
  })

  /** images of Components, each of which says its environment by its nickname */
  const images = (...components: string[]): Image[] =>
    components.map((component) => ({ component, before: '{}', after: '{}' }))
  const placeOf = ({ component }: Image): string | undefined =>
    component.endsWith('gone') ? undefined : `dev/${component.slice(component.indexOf('/') + 1)}`
  const three = images('a/dev', 'b/dev', 'a/prod')
  const targets: [title: string, writeAhead: WriteAhead, images: Image[], environment: string, expected: string[]][] = [
    ['of one environment', alone, images('a/dev'), 'dev/dev', ['a.dev']],
    ['of the first', several, three, 'dev/dev', ['a.dev', 'b.dev', 'a.prod in dev/prod']],
    ['of the second', several, three, 'dev/prod', ['a.prod', 'a.dev in dev/dev', 'b.dev in dev/dev']],
    ['where it writes none', several, images('a/dev'), 'dev/prod', ['a.dev in dev/dev']],
    ['that it writes none in', several, images('a/prod'), 'dev/prod', ['a.prod', 'dev/dev in dev/dev']],
    [
      'of which one is gone',
      several,
      images('a/dev', 'gone/gone'),
      'dev/dev',
      ['a.dev', 'gone.gone', 'dev/prod in dev/prod'],
    ],
  ]
  for (const [title, writeAhead, written, environment, expected] of targets) {
    it(`the Components ${title}: ${expected.join(', ')}`, () => {
      const request = aChangeRequest({ status: { ...applying(writeAhead), images: written } })
      const found = targetsIn(request, environment, placeOf)
      assert.deepEqual(
        found.map((target) => `${target.component}${target.elsewhere ? ` in ${target.elsewhere}` : ''}`),
        expected,
      )
      assert.ok(found.every(({ stage }) => stage === 'Reread'))
    })
  }

  const again = { ...several, environments: [{ environment: 'dev/prod', claim: '15', version: 13 }] }
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
      assert.equal(fateOf(prepared, 'dev/prod', aChangeRequest(status ? { status } : {})), fate)
    })
  }

  it('the fate of one that is gone, or that has only its name: Withdrawn', () => {
    assert.equal(fateOf(prepared, 'dev/prod', undefined), 'Withdrawn')
    const other = aChangeRequest({ status: applying(several), metadata: { uid: 'another' } })
    assert.equal(fateOf(prepared, 'dev/prod', other), 'Withdrawn')
  })

  it('the decision changes one field', () => {
    const request = aChangeRequest({ status: applying(several) })
    const status = decided(request)
    assertStorable('ChangeRequest', status)
    assert.deepEqual(status, { ...request.status, writeAhead: { ...several, decided: true } })
  })
})
