import assert from 'node:assert/strict'
import type { Applying, ChangeRequest, Image, WriteAhead } from '../../../operator/api/kinds.generated.ts'
import { success } from '../../../operator/api/result.ts'
import { makeLook } from '../../../operator/controllers/look.ts'
import type { Held, Member, Target } from '../../../operator/core/change/commit.ts'
import type { Cluster, Kind, Of } from '../../../operator/ports/cluster.ts'
import { aChangeRequest, aComponent, anEnvironment } from '../../support/builders.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

/** `site/main` of `dev/dev` and `cdn/c` of `dev/prod` are changed by one request, written ahead with claims 7 and 9. */
const ahead: WriteAhead = {
  holder: 'pod_1',
  environments: [
    { environment: 'dev/dev', claim: '7', version: 3 },
    { environment: 'dev/prod', claim: '9', version: 12 },
  ],
}
const images: Image[] = ['site/main', 'cdn/c'].map((component) => ({ component, before: '{}', after: '{}' }))
const written = (writeAhead: WriteAhead = ahead): ChangeRequest =>
  aChangeRequest({ name: 'both', status: { phase: 'Applying', writeAhead, images } })
const decided = written({ ...ahead, decided: true })
const applied = aChangeRequest({ name: 'both', status: { phase: 'Applied', images } })

const prepared = { name: 'both', uid: 'uid-both', claim: '9' }
const entry: Applying = { kind: 'ChangeRequest', name: 'both', uid: 'uid-both' }
const heldIn = (held: Partial<Held>): Held => ({
  resourceVersion: '50',
  claim: '40',
  version: 11,
  applying: [],
  highest: '0',
  ...held,
})

/** Two sights of the same objects: as the server has them, and as the cache shows them. */
const lookIn = (
  environment: string,
  { server, cache = server }: { server: readonly ChangeRequest[]; cache?: readonly ChangeRequest[] },
) => {
  const { caches, put } = makeFakeCaches()
  for (const request of cache) put('ChangeRequest', request)
  put('Component', aComponent('site/main'))
  put('Component', aComponent('cdn/c', { environment: 'prod' }))
  const read = ((kind: Kind, key: string) => {
    const found = server.find(
      ({ metadata }) => kind === 'ChangeRequest' && `${metadata.namespace}/${metadata.name}` === key,
    )
    return Promise.resolve(success(found as Of<'ChangeRequest'> | undefined))
  }) as Cluster['read']
  return makeLook(environment, { cluster: { read }, caches })
}

const toldTarget = ({ component: name, elsewhere }: Target): string => (elsewhere ? `${name} in ${elsewhere}` : name)
const toldMember = <C>({ stage, applying, targets, finished }: Member<C>): string =>
  `${stage} ${applying.name} ${targets.map(toldTarget).join(', ')}${finished ? ', finished' : ''}`

describe('controllers/look', () => {
  const parts = 'cdn.c, site.main in dev/dev'
  type Row = readonly [
    title: string,
    held: Partial<Held>,
    requests: Parameters<typeof lookIn>[1],
    open: string[],
    stale: string[],
  ]
  const table: readonly Row[] = [
    ['nothing', {}, { server: [] }, [], []],
    ['prepared, not decided', { prepared }, { server: [written()] }, [], ['both 9']],
    [
      'prepared, not decided, and the informer has not seen it',
      { prepared },
      { server: [written()], cache: [] },
      [],
      ['both 9'],
    ],
    ['prepared, decided: it is published', { prepared }, { server: [decided] }, [`Ahead both ${parts}`], []],
    [
      'prepared, decided, and the informer does not know',
      { prepared },
      { server: [decided], cache: [written()] },
      [`Ahead both ${parts}`],
      [],
    ],
    ['prepared with another claim', { prepared: { ...prepared, claim: '8' } }, { server: [decided] }, [], []],
    [
      'prepared, not decided, with another claim',
      { prepared: { ...prepared, claim: '8' } },
      { server: [written()] },
      [],
      ['both 9'],
    ],
    ['prepared, and its request is gone', { prepared }, { server: [] }, [], []],
    ['prepared, and its request has finished', { prepared }, { server: [applied] }, [], []],
    ['published', { applying: [entry] }, { server: [decided] }, [`Commit both ${parts}`], []],
    ['published and finished', { applying: [entry] }, { server: [applied] }, [`Commit both ${parts}, finished`], []],
    ['published, and its request is gone', { applying: [entry] }, { server: [] }, [], []],
    ['written ahead only', {}, { server: [written()] }, [], ['both 9']],
    ['decided, and its part here is behind it', {}, { server: [decided] }, [], []],
  ]
  for (const [title, held, requests, open, stale] of table) {
    it(`${title}: ${[...open, ...stale.map((one) => `to be taken back ${one}`)].join('; ') || 'nothing'}`, async () => {
      const found = await lookIn('dev/prod', requests).look(heldIn(held))
      assert.ok(found.ok)
      assert.deepEqual(found.value.open.map(toldMember), open)
      assert.deepEqual(
        found.value.stale.map(({ name, claim }) => `${name} ${claim}`),
        stale,
      )
    })
  }

  it('what was written ahead elsewhere is nothing to this environment', async () => {
    const found = await lookIn('dev/test', { server: [written()] }).look(heldIn({}))
    assert.deepEqual(found, success({ open: [], stale: [] }))
  })

  it('a change of one environment is reread where it was written ahead', async () => {
    const alone = { holder: 'pod_1', claim: '7', version: 3 }
    const request = aChangeRequest({
      name: 'one',
      status: { phase: 'Applying', environment: 'dev', writeAhead: alone, images: images.slice(0, 1) },
    })
    const applying = [{ kind: 'ChangeRequest', name: 'one', uid: 'uid-one' } as const]
    const found = await lookIn('dev/dev', { server: [request] }).look(heldIn({ applying }))
    assert.ok(found.ok)
    assert.deepEqual(found.value.open.map(toldMember), ['Commit one site.main'])
    assert.deepEqual(found.value.stale, [])
  })

  describe('how far the part elsewhere has come', () => {
    const member = (request: ChangeRequest, finished = false): Member<{ request: Of<'ChangeRequest'> }> => ({
      applying: entry,
      stage: 'Commit',
      resourceVersion: '20',
      targets: [],
      finished,
      content: { request: request as Of<'ChangeRequest'> },
    })
    const committedIn = (graphVersion: number) => aComponent('site/main', { committed: { graphVersion } })
    const there = (component: string): Target => ({
      component,
      resourceVersion: '',
      stage: 'Reread',
      elsewhere: 'dev/dev',
    })
    const rows: readonly [
      title: string,
      target: Target,
      object: object | undefined,
      finished: boolean,
      carries: boolean | undefined,
    ][] = [
      ['a Component that is not committed yet', there('site.main'), committedIn(2), false, false],
      ['a Component that is', there('site.main'), committedIn(3), false, true],
      ['a Component that went on', there('site.main'), committedIn(8), false, true],
      ['a Component that is gone', there('site.main'), undefined, false, undefined],
      ['a Component of what has finished', there('site.main'), committedIn(1), true, true],
      ['an environment that has not published it', there('dev/dev'), anEnvironment({}, { version: 2 }), false, false],
      ['an environment that has', there('dev/dev'), anEnvironment({}, { version: 3 }), false, true],
    ]
    for (const [title, target, object, finished, carries] of rows) {
      it(`${title}: ${carries ?? 'gone'}`, async () => {
        const read = ((kind: Kind, key: string) => {
          const isIt = kind === 'Environment' ? key === 'dev/dev' : key === 'dev/site.main'
          return Promise.resolve(success(isIt ? object : undefined))
        }) as Cluster['read']
        const { caches } = makeFakeCaches()
        const found = await makeLook('dev/prod', { cluster: { read }, caches }).readPart(
          member(decided, finished),
          target,
        )
        assert.ok(found.ok)
        assert.equal(found.value?.carries, carries)
      })
    }
  })
})
