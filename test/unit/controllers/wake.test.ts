import assert from 'node:assert/strict'
import type { ChangeApproval, ChangeRequest, Component } from '../../../operator/api/kinds.generated.ts'
import { makeWaiting } from '../../../operator/controllers/waiting.ts'
import { wakeOn } from '../../../operator/controllers/wake.ts'
import { aChangeRequest, aComponent, aComponentType, anApproval, anEnvironment } from '../../support/builders.ts'
import { type FakeCaches, makeFakeCaches } from '../../support/fake-caches.ts'

const to = (...components: string[]) => components.map((component, i) => ({ name: `r${i}`, component }))
const queued = (name: string, component: string, ...objects: string[]): ChangeRequest => {
  const blockedBy = objects.map((object) => ({ reason: 'Because', object, message: '' }))
  return aChangeRequest({ name, component, status: { phase: 'Queued', environment: 'dev', blockedBy } })
}

const hash = `sha256:${'a'.repeat(64)}`
const awaiting = aChangeRequest({
  name: 'awaiting',
  component: 'db/main',
  status: {
    phase: 'AwaitingApproval',
    environment: 'dev',
    plan: { hash },
    blockedBy: [{ reason: 'ApprovalRequired', object: 'db/replica', message: '' }],
  },
})
/** `Counted` of the one that `awaiting` has. */
const approval = (counted?: 'True' | 'False'): ChangeApproval =>
  anApproval(hash, {
    changeRequest: 'awaiting',
    ...(counted && {
      status: {
        conditions: [{ type: 'Counted', status: counted, reason: 'R', message: '', lastTransitionTime: '' }],
      },
    }),
  })

/**
 * site/main is referred to by cdn/c, and cdn/c by dns/d; bucket/b by nobody. new/n waits for a Component that is not
 * there, going/g is being deleted. Requests wait: `own` for site/main itself, `other` for bucket/b, `behind` for another
 * request.
 */
const site = aComponent('site/main', { config: { size: 1 } })
const fill = ({ put }: FakeCaches): void => {
  put('Environment', anEnvironment())
  for (const type of ['site', 'cdn']) put('ComponentType', aComponentType(type))
  put('Component', site)
  put('Component', aComponent('cdn/c', { references: to('site/main') }))
  put('Component', aComponent('dns/d', { references: to('cdn/c') }))
  put('Component', aComponent('bucket/b'))
  put('Component', aComponent('new/n', { references: to('bucket/none'), committed: false }))
  put('Component', aComponent('going/g', { metadata: { deletionTimestamp: 'now' } }))
  put('ChangeRequest', queued('own', 'site/main', 'site/main'))
  put('ChangeRequest', queued('other', 'dns/d', 'bucket/b'))
  put('ChangeRequest', queued('behind', 'dns/d', 'changerequest/first'))
  put('ChangeRequest', aChangeRequest({ name: 'first', status: { phase: 'Applying', environment: 'dev' } }))
  put('ChangeRequest', aChangeRequest({ name: 'pending', component: 'bucket/b' }))
  put('ChangeRequest', awaiting)
  put('ChangeApproval', approval())
  put('ChangeApproval', anApproval(hash, { name: 'elsewhere', changeRequest: 'first' }))
}

const spanning = aChangeRequest({
  name: 'spanning',
  component: 'bucket/b',
  status: {
    phase: 'Applying',
    writeAhead: {
      holder: 'pod_1',
      environments: ['dev/prod', 'dev/test'].map((environment) => ({ environment, claim: '7', version: 2 })),
    },
  },
})

/** Whose turn it is after something has happened, sorted: `kind key`. */
const wokenBy = (
  act: (fake: FakeCaches) => void,
  { heldBack = [], requests = [] }: { heldBack?: readonly string[]; requests?: readonly ChangeRequest[] } = {},
): string[] => {
  const fake = makeFakeCaches()
  fill(fake)
  for (const request of requests) fake.put('ChangeRequest', request)
  const woken = new Set<string>()
  const add = (kind: string) => (key: string) => void woken.add(`${kind} ${key.replace('dev/', '')}`)
  const waiting = makeWaiting({ onEnter: add('environment'), onHeldBack: add('held') })
  for (const key of heldBack) waiting.holdBack(key, [{ guard: 'g', verdict: 'Reject', reason: 'Cycle', message: 'm' }])
  woken.clear()
  wakeOn(fake.caches, waiting, {
    changeRequest: add('request'),
    component: add('component'),
    changeApproval: add('approval'),
    componentType: add('type'),
    componentTypeSoon: add('type-soon'),
    environment: add('environment'),
    environmentSoon: add('environment-soon'),
  })
  act(fake)
  return [...woken].sort()
}

const changed = (component: Component, status: Partial<Component['status'] & object>, metadata = {}): Component => ({
  ...component,
  metadata: { ...component.metadata, ...metadata },
  status: { ...component.status, ...status },
})
const all = ['request awaiting', 'request behind', 'request other', 'request own']

describe('controllers/wake', () => {
  const put =
    (component: Component) =>
    ({ put: store }: FakeCaches) =>
      void store('Component', component)
  const news = ['component cdn.c', 'component site.main', 'request own']
  type Row = readonly [title: string, act: (fake: FakeCaches) => void, expected: readonly string[]]
  const table: readonly Row[] = [
    ['a Component’s conditions: itself alone', put(changed(site, { conditions: [] })), ['component site.main']],
    ['a Component’s count of dependents: itself alone', put(changed(site, { dependents: 7 })), ['component site.main']],
    ['an output: those which refer to it, and who waits for it', put(changed(site, { outputs: { a: 1 } })), news],
    ['a state', put(changed(site, { runtime: { state: 'running' } })), news],
    ['a commit', put(changed(site, { committed: { ...site.status!.committed!, graphVersion: 2 } })), news],
    ['an edit', put(changed(site, {}, { generation: 2 })), news],
    ['a label, which guards can read', put(changed(site, {}, { labels: { team: 'net' } })), news],
    ['an annotation, which nobody reads', put(changed(site, {}, { annotations: { a: 'b' } })), ['component site.main']],
    ['a deletion that begins', put(changed(site, {}, { deletionTimestamp: 'now' })), news],
    [
      'one that goes',
      ({ remove }) => remove('Component', 'dev/site.main'),
      ['component cdn.c', 'component site.main', 'request own', 'type-soon site'],
    ],
    [
      'one that goes: what it referred to may go too',
      ({ remove }) => remove('Component', 'dev/cdn.c'),
      ['component cdn.c', 'component dns.d', 'component site.main', 'type-soon cdn'],
    ],
    [
      'one that leaves with those that refer to it',
      put(aComponent('cdn/c', { references: to('site/main'), metadata: { deletionTimestamp: 'now' } })),
      ['component cdn.c', 'component dns.d', 'component site.main'],
    ],
    [
      'another reference: what it led to and what it leads to',
      put(aComponent('cdn/c', { references: to('bucket/b'), metadata: { generation: 2 } })),
      ['component bucket.b', 'component cdn.c', 'component dns.d', 'component site.main'],
    ],
    [
      'a new one that others wait for',
      put(aComponent('bucket/none', { committed: false })),
      ['component bucket.none', 'component new.n', 'type-soon bucket'],
    ],
    [
      'one of another namespace: those which refer to it, and who waits for it',
      ({ put: store }) => {
        store('Component', aComponent('cart/c', { references: to('shop/net/n') }))
        store('ChangeRequest', queued('far', 'cart/c', 'shop/net/n'))
        store('Component', aComponent('net/n', { metadata: { namespace: 'shop' } }))
      },
      [
        'component cart.c',
        'component shop/net.n',
        'environment-soon dev',
        'request far',
        'type-soon cart',
        'type-soon net',
      ],
    ],
    [
      'a change of another namespace: who waits for it',
      ({ put: store }) => {
        store('ChangeRequest', queued('far', 'bucket/b', 'shop/changerequest/there'))
        const metadata = { namespace: 'shop' }
        store('ChangeRequest', aChangeRequest({ name: 'there', metadata, status: { phase: 'Applied' } }))
      },
      ['environment-soon dev', 'request far', 'request shop/there'],
    ],
    [
      'what a request waits for, while another works on it',
      put(aComponent('bucket/b', { outputs: { arn: 'a' } })),
      ['component bucket.b', 'request other'],
    ],

    [
      'a request that ends: who waits for it',
      ({ put: store }) => void store('ChangeRequest', aChangeRequest({ name: 'first', status: { phase: 'Applied' } })),
      ['approval elsewhere', 'request behind', 'request first'],
    ],
    [
      'a request that has written: its Components, of which nothing was told meanwhile',
      ({ put: store }) => {
        const images = [{ component: 'bucket/b', before: '{}', after: '{}' }]
        store('ChangeRequest', aChangeRequest({ name: 'first', status: { phase: 'Applied', images } }))
      },
      ['approval elsewhere', 'component bucket.b', 'request behind', 'request first'],
    ],
    [
      'a rollback that ends: what it has undone',
      ({ put: store }) =>
        void store(
          'ChangeRequest',
          aChangeRequest({ name: 'undo', rollbackOf: 'first', status: { phase: 'Applied' } }),
        ),
      ['request first', 'request undo'],
    ],
    [
      'a request that leaves the queue: the count of its Environment',
      ({ put: store }) =>
        void store(
          'ChangeRequest',
          aChangeRequest({ name: 'behind', component: 'dns/d', status: { phase: 'Applying', environment: 'dev' } }),
        ),
      ['environment-soon dev', 'request behind'],
    ],
    [
      'a request that goes',
      ({ remove }) => remove('ChangeRequest', 'dev/first'),
      ['approval elsewhere', 'request behind', 'request first'],
    ],
    [
      'a request that ends in several environments: these, for they wait for each other',
      ({ put: store }) => {
        store('ChangeRequest', spanning)
        store('ChangeRequest', aChangeRequest({ name: 'spanning', status: { phase: 'Applied' } }))
      },
      ['environment prod', 'environment test', 'request spanning'],
    ],
    [
      'a request that says more, in the same phase: itself alone',
      ({ put: store }) =>
        void store('ChangeRequest', aChangeRequest({ name: 'first', status: { phase: 'Applying', affectedCount: 1 } })),
      ['request first'],
    ],
    [
      'a request that has another plan: what was decided about it',
      ({ put: store }) =>
        void store('ChangeRequest', { ...awaiting, status: { ...awaiting.status, plan: { hash: 'sha256:b' } } }),
      ['approval yes', 'request awaiting'],
    ],
    [
      'an approval: the request that it names',
      ({ put: store }) =>
        void store('ChangeApproval', { ...approval(), metadata: { ...approval().metadata, name: 'more' } }),
      ['approval more', 'request awaiting'],
    ],
    [
      'an approval that is taken back',
      ({ remove }) => remove('ChangeApproval', 'dev/yes'),
      ['approval yes', 'request awaiting'],
    ],
    [
      'an approval that is found to count: itself alone, the request was woken already',
      ({ put: store }) => void store('ChangeApproval', approval('True')),
      ['approval yes'],
    ],
    [
      'an approval whose time is over',
      ({ put: store }) => {
        store('ChangeApproval', approval('True'))
        store('ChangeApproval', approval('False'))
      },
      ['approval yes', 'request awaiting'],
    ],
    [
      'what a guard asks an approval for',
      put(aComponent('db/replica')),
      ['component db.replica', 'request awaiting', 'type-soon db'],
    ],
    [
      'a new request',
      ({ put: store }) => void store('ChangeRequest', aChangeRequest({ name: 'new' })),
      ['request new'],
    ],

    [
      'a ComponentType that says something else: its Components, those that read their outputs, and all that is queued',
      ({ put: store }) =>
        void store('ComponentType', { ...aComponentType('site'), metadata: { name: 'site', generation: 2 } }),
      ['component cdn.c', 'component site.main', ...all, 'type site'],
    ],
    [
      'a new ComponentType',
      ({ put: store }) => void store('ComponentType', aComponentType('bucket')),
      ['component bucket.b', ...all, 'type bucket'],
    ],
    [
      'a ComponentType that goes',
      ({ remove }) => remove('ComponentType', 'cdn'),
      ['component cdn.c', 'component dns.d', ...all, 'type cdn'],
    ],
    [
      'a ComponentType’s status: itself alone',
      ({ put: store }) => void store('ComponentType', { ...aComponentType('site'), status: { components: 2 } }),
      ['type site'],
    ],

    [
      'an Environment’s policy: all that is queued in it, and what is new',
      ({ put: store }) =>
        void store('Environment', {
          ...anEnvironment({ onConflict: 'Reject' }),
          metadata: { ...anEnvironment().metadata, generation: 2 },
        }),
      ['component new.n', 'environment dev', ...all],
    ],
    [
      'an Environment’s policy: what waits in another one and passes this one too',
      ({ put: store }) => {
        const metadata = { ...anEnvironment().metadata, name: 'prod' }
        store('Environment', { ...anEnvironment(), metadata })
        const plan = { hash, graphVersions: { 'dev/dev': 1, 'dev/prod': 1 } }
        store('ChangeRequest', aChangeRequest({ name: 'wide', status: { phase: 'Queued', environment: 'dev', plan } }))
        store('Environment', { ...anEnvironment({ onConflict: 'Reject' }), metadata: { ...metadata, generation: 2 } })
      },
      ['environment prod', 'environment-soon dev', 'request wide'],
    ],
    [
      'an Environment that goes: all that is queued in it, what is new, and what has no gate to leave by any more',
      ({ remove }) => remove('Environment', 'dev/dev'),
      ['component going.g', 'component new.n', 'environment dev', ...all],
    ],
    [
      'an Environment that has promised something elsewhere: who is there, too',
      ({ put: store }) => {
        const one = anEnvironment({}, { promised: [{ environment: 'dev/dev', resourceVersion: '1', version: 2 }] })
        store('Environment', { ...one, metadata: { ...one.metadata, name: 'promised' } })
        store('Environment', anEnvironment({}, { version: 9 }))
      },
      ['environment dev', 'environment promised'],
    ],
    [
      'an Environment’s version: itself alone',
      ({ put: store }) => void store('Environment', anEnvironment({}, { version: 9 })),
      ['environment dev'],
    ],
  ]
  for (const [title, act, expected] of table) {
    it(title, () => assert.deepEqual(wokenBy(act), [...expected].sort()))
  }

  it('who was held back may try again', () => {
    const reported = put(changed(site, { outputs: { a: 1 } }))
    assert.deepEqual(
      wokenBy(reported, { heldBack: ['dev/cdn.c', 'dev/dns.d', 'dev/site.main'] }),
      [...news, 'held cdn.c'].sort(),
    )
    const edited = put(changed(site, {}, { generation: 2 }))
    assert.ok(wokenBy(edited, { heldBack: ['dev/site.main'] }).includes('held site.main'))
  })

  it('five hundred that wait for another thing sleep on, and all wake for their own', () => {
    const requests = Array.from({ length: 500 }, (_, i) => queued(`q${i}`, 'dns/d', 'bucket/b'))
    assert.deepEqual(wokenBy(put(changed(site, { outputs: { a: 1 } })), { requests }), news)
    const woken = wokenBy(put(aComponent('bucket/b', { outputs: { arn: 'a' } })), { requests })
    assert.equal(woken.filter((key) => key.startsWith('request q')).length, 500)
  })
})
