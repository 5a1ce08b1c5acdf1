import assert from 'node:assert/strict'
import type { ChangeRequest, Component, EnvironmentStatus, Promised } from '../../../../operator/api/kinds.generated.ts'
import {
  inFlightFor,
  openPromises,
  pledgeFor,
  promiseOf,
  type Sight,
} from '../../../../operator/core/change/promise.ts'
import { cleared, promised, published } from '../../../../operator/core/lock/claim.ts'
import { aChangeRequest, aComponent, anEnvironment, noon } from '../../../support/builders.ts'
import { assertStorable } from '../../../support/storable.ts'

/** `dev/from` is about to publish version 5, on resourceVersion 40, something that refers to `site/main` of `dev/dev`. */
const promise: Promised = { environment: 'dev/from', resourceVersion: '40', version: 5, components: ['site/main'] }
const environment = (name: string, resourceVersion: string, status: EnvironmentStatus) => {
  const one = anEnvironment({}, status)
  return { ...one, metadata: { ...one.metadata, name, resourceVersion } }
}
const here = (status: EnvironmentStatus = { promised: [promise] }, resourceVersion = '50') =>
  environment('dev', resourceVersion, status)

interface Seen {
  readonly from?: { readonly resourceVersion: string; readonly status: EnvironmentStatus }
  readonly components?: readonly Component[]
  readonly requests?: readonly ChangeRequest[]
  readonly reached?: string
  readonly ahead?: boolean
  readonly target?: EnvironmentStatus
}
const sight = ({ from, components = [], requests = [], reached = '30', ahead = false, target }: Seen): Sight => ({
  environment: (key) => {
    if (key === 'dev/from') return from && environment('from', from.resourceVersion, from.status)
    return target && here(target)
  },
  object: (kind, key) =>
    (kind === 'Component' ? components : requests).find(({ metadata }) => `dev/${metadata.name}` === key),
  isAhead: () => ahead,
  reached: { Environment: '60', Component: reached },
})

const creation = (hash: string) => ({ kind: 'Creation', name: 'cdn.c', uid: 'uid-cdn.c', hash }) as const
const request = { kind: 'ChangeRequest', name: 'wish', uid: 'uid-wish' } as const
const cdn = aComponent('cdn/c', { environment: 'from', committed: { graphVersion: 5 } })
const coming = aComponent('cdn/c', { environment: 'from', committed: false })
const asked = (phase: 'Applying' | 'Applied', component = 'cdn/c') => {
  const images = [{ component, uid: `uid-${component.replace('/', '.')}`, before: '{}', after: '{}' }]
  return aChangeRequest({ component, status: { phase, images } })
}
const at = (version: number, status: EnvironmentStatus = {}, resourceVersion = '45') => ({
  from: { resourceVersion, status: { version, ...status } },
})

describe('core/change/promise: what became of a promise', () => {
  const table: readonly (readonly [title: string, seen: Seen, expected: string])[] = [
    ['nothing is decided', at(4, {}, '40'), 'open'],
    ['the cache does not even show that', at(4, {}, '39'), 'open'],
    ['it was never published, and cannot be', at(4), 'over at 0'],
    ['published, and cleared away', at(5, { committedResourceVersion: '25' }), 'over at 25'],
    ['published, but Components are not seen up to there', at(5, { committedResourceVersion: '31' }), 'open'],
    ['more was published since', at(6, { committedResourceVersion: '25', applying: [creation('')] }), 'over at 25'],
    ['a creation that does not show', at(5, { applying: [creation('')] }), 'open'],
    ['one that is not committed', { ...at(5, { applying: [creation('other')] }), components: [cdn] }, 'over at 10'],
    ['a request that has not finished', { ...at(5, { applying: [request] }), requests: [asked('Applying')] }, 'open'],
    ['one that has, but does not show', { ...at(5, { applying: [request] }), requests: [asked('Applied')] }, 'open'],
    [
      'one that shows as it was before',
      {
        ...at(5, { applying: [request] }),
        requests: [asked('Applied')],
        components: [aComponent('cdn/c', { environment: 'from' })],
      },
      'open',
    ],
    [
      'one that shows',
      { ...at(5, { applying: [request] }), requests: [asked('Applied')], components: [cdn] },
      'over at 10',
    ],
    [
      'an edited creation, which is not committed any more',
      { ...at(5, { applying: [creation('else')] }), components: [coming] },
      'over at 10',
    ],
    ['its Environment is gone', {}, 'over at 0'],
    ['a number that another etcd has given', at(5, { committedResourceVersion: '9999' }), 'over at 0'],
  ]
  for (const [title, seen, expected] of table) {
    it(`${title}: ${expected}`, () => {
      const { open, seen: upTo } = openPromises(here(), sight(seen))
      assert.equal(open.length > 0 ? 'open' : `over at ${upTo}`, expected)
    })
  }

  it('one above the Environment it stands in is of another etcd', () => {
    assert.deepEqual(openPromises(here({ promised: [promise] }, '39'), sight(at(4, {}, '40'))), { open: [], seen: '0' })
  })

  it('an Environment that may come to be seen: open', () => {
    const late = { ...sight({}), reached: { Environment: '39', Component: '30' } }
    assert.equal(openPromises(here(), late).open.length, 1)
  })

  it('keeps others from the Components that it names, or from all', () => {
    const { components: _, ...any } = promise
    const affected = (one: Promised) => [...inFlightFor([one], 'dev', () => ['dev/a/b', 'dev/c/d'])[0]!.affected]
    assert.deepEqual(affected(promise), ['dev/site/main'])
    assert.deepEqual(affected(any), ['dev/a/b', 'dev/c/d'])
  })
})

describe('core/change/promise: what is to be promised', () => {
  const ids = ['dev/site/main']
  const from = environment('from', '40', { version: 4 })
  const pledge = (target: EnvironmentStatus | undefined, seen: Seen = {}, asking = from) =>
    pledgeFor(ids, 'dev/dev', { environment: asking, sight: sight({ ...seen, ...(target && { target }) }) })
  const site = { kind: 'Removal', name: 'site.main', uid: 'uid-site.main' } as const

  it('is bound to the other Environment as it was seen', () => {
    assert.deepEqual(pledge({}), { environment: 'dev/dev', resourceVersion: '50', components: ids })
  })
  const waits: readonly (readonly [string, EnvironmentStatus | undefined, Seen?])[] = [
    ['there is no such Environment', undefined],
    ['something is prepared there', { prepared: { name: 'a', uid: 'a', claim: '1' } }],
    ['Components are not seen up to what was committed there', { committedResourceVersion: '31' }],
    ['it is just being removed', { applying: [site] }, { components: [aComponent('site/main')] }],
    ['a request is just changing it', { applying: [request] }, { requests: [asked('Applying', 'site/main')] }],
    ['a request that is not seen may change it', { applying: [request] }],
    ['who is there is about to publish', {}, { ahead: true }],
    [
      'sixteen others are about to refer there',
      { promised: Array.from({ length: 16 }, () => promise) },
      at(4, {}, '40'),
    ],
  ]
  for (const [title, target, seen] of waits) {
    it(`has to wait: ${title}`, () => assert.equal(pledge(target, seen), undefined))
  }
  it('has to wait: that one is about to refer here', () => {
    const back = { environment: 'dev/dev', resourceVersion: '50', version: 2 }
    const asking = environment('from', '55', { version: 4, promised: [back] })
    assert.equal(pledge({}, {}, asking), undefined)
    assert.ok(pledge({}, {}, environment('from', '55', { promised: [{ ...back, resourceVersion: '49' }] })))
  })
  const passes: readonly (readonly [string, EnvironmentStatus, Seen])[] = [
    ['what is changed there is something else', { applying: [request] }, { requests: [asked('Applying', 'bucket/b')] }],
    ['another one comes', { applying: [creation('')] }, {}],
    ['it was changed, which is seen', { applying: [site] }, {}],
    ['fifteen others are', { promised: Array.from({ length: 15 }, () => promise) }, at(4, {}, '40')],
    ['sixteen others were', { promised: Array.from({ length: 16 }, () => promise) }, at(4)],
  ]
  for (const [title, target, seen] of passes) it(`need not wait: ${title}`, () => assert.ok(pledge(target, seen)))

  it('is written with short ids, and without any when they are too many', () => {
    const held = { environment: 'dev/from', resourceVersion: '40', version: 4 }
    const written = (...components: string[]) =>
      promiseOf({ environment: 'dev/dev', resourceVersion: '50', components }, held, 'dev')
    const { components: _, ...any } = promise
    assert.deepEqual(written(...ids), promise)
    assert.deepEqual(written(...Array.from({ length: 65 }, (__, i) => `dev/a/${i}`)), any)
    assert.deepEqual(written(`dev/a/${'b'.repeat(400)}`), any)
  })
})

describe('core/lock/claim: what is promised', () => {
  const other: Promised = { environment: 'dev/else', resourceVersion: '41', version: 2 }
  const nothing = { open: [], seen: '0' }

  it('is added, and takes the place of an earlier one for the same publish', () => {
    const first = promised(here({ version: 3 }), { promise, promises: nothing, now: noon })
    assertStorable('Environment', first)
    assert.deepEqual(first.promised, [promise])
    const promises = { open: [promise, other], seen: '0' }
    const again = promised(here({ promised: [promise, other] }), {
      promise: { ...promise, version: 6 },
      promises,
      now: noon,
    })
    assert.deepEqual(again.promised, [other, { ...promise, version: 6 }])
    assert.equal(again.seq, undefined, 'it tells nothing')
  })

  it('goes with the next write once it is seen what became of it, and plans from then on must have seen it too', () => {
    const before = here({ version: 3, committedResourceVersion: '20', promised: [promise, other] })
    const next = { holder: 'h', version: 4, applying: [], highest: '20', now: noon }
    const kept = published(before, next)
    assert.deepEqual([kept.promised, kept.committedResourceVersion], [[promise, other], '20'])
    const dropped = published(before, { ...next, promises: { open: [other], seen: '25' } })
    assert.deepEqual([dropped.promised, dropped.committedResourceVersion], [[other], '25'])
    const free = cleared(here(dropped), { highest: '21', queued: 0, promises: { open: [], seen: '24' }, now: noon })
    assert.deepEqual([free.promised, free.committedResourceVersion], [undefined, '25'])
  })

  it('fits beside all else that an Environment says', () => {
    const long = (i: number): Promised => ({
      environment: `${i}`.padEnd(127, 'e'),
      resourceVersion: '9'.repeat(19),
      version: 9_007_199_254_740_991,
      components: Array.from({ length: 64 }, () => 'a/bcde'),
    })
    assertStorable('Environment', { version: 1, promised: Array.from({ length: 16 }, (_, i) => long(i)) })
  })
})
