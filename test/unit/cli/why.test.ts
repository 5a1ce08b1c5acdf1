import assert from 'node:assert/strict'
import type { ChangeRequest, Component, Condition, EnvironmentStatus } from '../../../operator/api/kinds.generated.ts'
import type { Parsed } from '../../../operator/api/parse.ts'
import type { Explained } from '../../../operator/cli/explained.ts'
import type { Of } from '../../../operator/ports/cluster.ts'
import { aChangeRequest, aComponent, aComponentType, anEnvironment, at, noon } from '../../support/builders.ts'
import { typed } from '../../support/command-line.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

const created = (name: string, minutesAgo: number) => ({
  uid: `uid-${name}`,
  creationTimestamp: at(noon - minutesAgo * 60_000),
})
const condition = (type: string, status: Condition['status'], reason: string, message: string): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: at(noon - 90_000),
})
const succeeded = (status: Condition['status'], reason: string, message = 'because') => [
  condition('Succeeded', status, reason, message),
]

interface Around {
  readonly requests?: Of<'ChangeRequest'>[]
  readonly components?: Parsed<Component>[]
  readonly environment?: EnvironmentStatus
  readonly approvals?: Of<'ChangeApproval'>[]
  readonly forbidden?: readonly string[]
}

const run = (
  args: string[],
  { requests = [], components = [], environment, approvals = [], forbidden = [] }: Around,
) => {
  const guard = (name: string) => ({ name, expression: 'true' })
  const { objects } = makeMemoryObjects(
    {
      ChangeRequest: requests,
      Component: components,
      ComponentType: [{ ...aComponentType('site', { guards: [guard('not-on-friday')] }), faults: [] }],
      Environment: [{ ...anEnvironment({ guards: [guard('small')] }, environment ?? { version: 7 }), faults: [] }],
      ChangeApproval: approvals,
    },
    { forbidden },
  )
  return typed(['why', ...args], { session: { objects }, now: () => noon })
}

const explained = async (what: string, around: Around): Promise<Explained> => {
  const { code, out, err } = await run([what, '-o', 'json'], around)
  assert.deepEqual([code, err], [0, ''])
  return JSON.parse(out)
}

/** gate, verdict, object */
const gatesOf = ({ gates }: Explained): string[] =>
  gates.map(({ gate, verdict, object }) => [gate, verdict, ...(object === undefined ? [] : [object])].join(' '))

const hash = `sha256:${'1'.repeat(64)}`
const site = aComponent('site/main', { outputs: { url: 'x' }, state: 'running' })

describe('kubectl karma why, of a change', () => {
  const against = { guard: 'OutputsUnavailable', verdict: 'Queue' as const, object: 'cdn/main', message: 'no url' }
  const queued: ChangeRequest['status'] = {
    phase: 'Queued',
    environment: 'dev',
    affectedCount: 2,
    plan: { hash, graphVersions: { 'dev/dev': 6 }, verdicts: [against] },
    blockedBy: [{ reason: 'OutputsUnavailable', object: 'cdn/main', message: 'no url' }],
    queue: { position: 1, since: at(noon - 90_000) },
    conditions: succeeded('Unknown', 'OutputsUnavailable', 'no url'),
  }
  const cdn = aComponent('cdn/main', { status: { conditions: [condition('Ready', 'True', 'Ready', '')] } })
  const request = aChangeRequest({ reason: 'bigger', metadata: created('wish', 3), status: queued })

  it('shows every gate, who holds it, and what to do, on one screen', async () => {
    const ahead = aChangeRequest({
      name: 'first',
      metadata: created('first', 9),
      status: { phase: 'Queued', environment: 'dev' },
    })
    const behind = aChangeRequest({
      name: 'last',
      metadata: created('last', 1),
      status: { phase: 'Queued', environment: 'dev' },
    })
    const { code, out, err } = await run(['wish'], {
      requests: [request, behind, ahead],
      components: [site, cdn],
      environment: { version: 7, lockedBy: 'karma_1', applying: [{ kind: 'ChangeRequest', name: 'other', uid: 'u' }] },
    })
    assert.deepEqual([code, err], [0, ''])
    assert.equal(
      out,
      [
        'ChangeRequest dev/wish is Queued (OutputsUnavailable), since 90s',
        '  asked 3m ago by jo, to change site/main: "bigger"',
        `  plan ${hash}, on dev/dev at version 6, reaching 2 Components`,
        '',
        'GATE                       VERDICT   OBJECT            MESSAGE',
        'request                    Allow                       it can be planned',
        'guard OutputsUnavailable   Queue     cdn/main          no url',
        'guards                     Allow                       TooLarge, InvalidConfig, FieldOwned, MissingReference, OutputInUse, Truncated, Cycle, InFlight, QueuedBehind, not-on-friday, small',
        'approval                   Allow                       none is needed',
        'queue of dev               Queue                       2 of 3; before it: first',
        'environment dev            Queue     environment/dev   at version 7, held by karma_1, which writes changerequest/other',
        '',
        'HELD BY    STATE',
        'cdn/main   Ready; committed as version 1; outputs reported: none',
        '',
        'Next: it goes on by itself when cdn/main moves; kubectl karma cancel wish -n dev takes it back',
        '',
      ].join('\n'),
    )
  })

  it('fits a terminal', async () => {
    const { objects } = makeMemoryObjects({ ChangeRequest: [request], Component: [site, cdn] })
    const { out } = await typed(['why', 'wish'], { session: { objects }, now: () => noon, width: 100, colours: true })
    const bare = out.split('\u001b[').map((part, i) => (i === 0 ? part : part.slice(part.indexOf('m') + 1)))
    assert.deepEqual(
      bare
        .join('')
        .split('\n')
        .filter((line) => line.length > 100),
      [],
    )
    assert.ok(out.includes('\u001b[33mQueue\u001b[0m'))
  })

  const stories: [title: string, status: ChangeRequest['status'] | undefined, gates: string[], next: RegExp][] = [
    [
      'that nobody has looked at',
      undefined,
      ['request Pending', 'guards Pending', 'environment dev Allow environment/dev'],
      /should have been looked at within seconds: is the operator running\?; kubectl karma cancel/,
    ],
    [
      'that was refused before it was planned',
      { phase: 'Rejected', conditions: succeeded('False', 'NullValue', 'spec.x is null') },
      ['request Reject site/main', 'guards Pending'],
      /create another one/,
    ],
    [
      'that a guard refuses',
      {
        phase: 'Rejected',
        environment: 'dev',
        plan: { hash, verdicts: [{ guard: 'small', verdict: 'Reject', object: 'site/main', message: 'too big' }] },
        conditions: succeeded('False', 'GuardFailed', 'too big'),
      },
      ['request Allow', 'guard small Reject site/main', 'guards Allow', 'approval Allow'],
      /create another one/,
    ],
    [
      'whose Component is not committed',
      {
        phase: 'Queued',
        environment: 'dev',
        blockedBy: [{ reason: 'UnknownComponent', object: 'site/main', message: 'not yet' }],
        conditions: succeeded('Unknown', 'UnknownComponent', 'not yet'),
      },
      ['component Queue site/main', 'guards Pending', 'queue of dev Queue', 'environment dev Allow environment/dev'],
      /goes on by itself when site\/main moves/,
    ],
    [
      'that waits for approval',
      { phase: 'AwaitingApproval' as never, environment: 'dev', plan: { hash } },
      [
        'request Allow',
        'guards Allow',
        'approval RequireApproval',
        'queue of dev Pending',
        'environment dev Allow environment/dev',
      ],
      /kubectl karma approve wish -n dev/,
    ],
    [
      'that is being written',
      { phase: 'Applying', environment: 'dev', plan: { hash } },
      [
        'request Allow',
        'guards Allow',
        'approval Allow',
        'queue of dev Pending',
        'environment dev Allow environment/dev',
      ],
      /carried through/,
    ],
    [
      'that was applied',
      { phase: 'Applied', environment: 'dev', plan: { hash } },
      ['request Allow', 'guards Allow', 'approval Allow'],
      /kubectl karma rollback wish -n dev undoes it/,
    ],
    [
      'that was only planned',
      { phase: 'Planned', environment: 'dev', plan: { hash } },
      ['request Allow', 'guards Allow', 'approval Allow'],
      /mode: Apply carries it out/,
    ],
  ]
  for (const [title, status, gates, next] of stories) {
    it(title, async () => {
      const asked = aChangeRequest({ metadata: created('wish', 3), ...(status && { status }) })
      const found = await explained('wish', { requests: [asked], components: [site] })
      assert.deepEqual(gatesOf(found), gates)
      assert.match(found.next, next)
    })
  }

  const fullMessage = 'changes wait: dev/dev can remember no more'
  const heldBack: [title: string, environment: EnvironmentStatus, gates: string[], next: string][] = [
    [
      'whose environment can tell no more',
      {
        conditions: [
          condition('Ready', 'False', 'EventsDelayed', fullMessage),
          condition('EventsPublished', 'False', 'EventsDelayed', 'bus is away'),
        ],
      },
      ['environment dev Queue environment/dev', 'events Pending environment/dev'],
      'it goes on by itself when environment/dev lets it pass',
    ],
    [
      'while events cannot be published',
      { conditions: [condition('EventsPublished', 'False', 'EventsDelayed', 'bus is away')] },
      ['environment dev Allow environment/dev', 'events Pending environment/dev'],
      'it goes on by itself, at the latest when events can be published again',
    ],
    [
      'whose environment somebody else holds',
      { lockedBy: 'karma_1', applying: [{ kind: 'ChangeRequest', name: 'other', uid: 'u' }] },
      ['environment dev Queue environment/dev'],
      'it goes on by itself when environment/dev lets it pass',
    ],
  ]
  for (const [title, environment, gates, next] of heldBack) {
    it(`of which nothing is written: ${title}`, async () => {
      const asked = aChangeRequest({ metadata: created('wish', 3) })
      const found = await explained('wish', { requests: [asked], components: [site], environment })
      assert.deepEqual(gatesOf(found), ['request Pending', 'guards Pending', ...gates])
      assert.equal(found.next, `${next}; kubectl karma cancel wish -n dev takes it back`)
    })
  }

  it('says who has agreed, and to what', async () => {
    const approval = (name: string, decision: 'Approve' | 'Deny', planHash: string): Of<'ChangeApproval'> => ({
      faults: [],
      apiVersion: 'usekarma.dev/v1alpha1',
      kind: 'ChangeApproval',
      metadata: { name, namespace: 'dev', creationTimestamp: at(noon - 60_000) },
      spec: { changeRequest: 'wish', planHash, decision, approver: { username: 'ann' }, reason: 'seen' },
    })
    const status = { phase: 'AwaitingApproval' as never, environment: 'dev', plan: { hash } }
    const found = await explained('wish', {
      requests: [aChangeRequest({ metadata: created('wish', 3), status })],
      approvals: [
        approval('a', 'Approve', hash),
        approval('b', 'Deny', hash),
        approval('c', 'Approve', 'sha256:old'),
        {
          ...approval('d', 'Approve', hash),
          spec: { ...approval('d', 'Approve', hash).spec, changeRequest: 'another' },
        },
      ],
    })
    const said = found.gates.filter(({ gate }) => gate === 'approval')
    assert.deepEqual(
      said.map(({ verdict, object }) => [verdict, object]),
      [
        ['Allow', 'changeapproval/a'],
        ['Reject', 'changeapproval/b'],
        ['Pending', 'changeapproval/c'],
        ['RequireApproval', undefined],
      ],
    )
    assert.equal(said[0]?.message, 'ann approved 60s ago: "seen"')
    assert.match(said[2]?.message ?? '', /another plan, sha256:old, which does not count/)
  })

  it('names the request that another waits for, and its phase', async () => {
    const other = aChangeRequest({ name: 'other', status: { phase: 'Applying', environment: 'dev' } })
    const status: ChangeRequest['status'] = {
      ...queued,
      plan: { hash },
      blockedBy: [{ reason: 'InFlight', object: 'changerequest/other', message: 'other is not through' }],
    }
    const found = await explained('wish', {
      requests: [aChangeRequest({ metadata: created('wish', 3), status }), other],
    })
    assert.ok(gatesOf(found).includes('InFlight Queue changerequest/other'))
    assert.deepEqual(found.holders, [{ object: 'changerequest/other', state: 'Applying' }])
  })

  it('says what the request itself says when the rest may not be read', async () => {
    const forbidden = [
      'get Component',
      'get Environment',
      'list ChangeRequest',
      'list ChangeApproval',
      'get ComponentType',
    ]
    const found = await explained('wish', { requests: [request], forbidden })
    assert.ok(gatesOf(found).includes('guard OutputsUnavailable Queue cdn/main'))
    assert.deepEqual(found.holders, [{ object: 'cdn/main', state: 'Forbidden' }])
  })

  it('of one that is not there, or may not be read, is an error, and 1', async () => {
    assert.match((await run(['wush'], {})).err, /ChangeRequest dev\/wush: expected one of that name, found none/)
    const forbidden = await run(['wish'], { requests: [request], forbidden: ['get ChangeRequest'] })
    assert.deepEqual([forbidden.code, forbidden.err], [1, 'error: jo cannot get ChangeRequest (Forbidden)\n'])
  })
})

describe('kubectl karma why, of a Component', () => {
  const conditions = (
    committed: Condition['status'],
    reason: string,
    message: string,
    stalled: Condition['status'] = 'False',
  ) => [
    condition('Ready', committed, reason, message),
    condition('Committed', committed, reason, message),
    condition('Stalled', stalled, reason, message),
  ]
  const bucket = {
    references: [{ name: 'site', component: 'site/main' }],
    config: { a: `\${site.arn}`, b: `\${site.url}` },
  }

  it('that is Ready', async () => {
    const ready = aComponent('cdn/main', {
      references: [{ name: 'site', component: 'site/main', outputs: ['url'] }],
      status: { conditions: conditions('True', 'Committed', 'as version 1') },
    })
    const found = await explained('cdn/main', { components: [ready, site] })
    assert.deepEqual([found.standing, found.next, found.holders], ['Ready', 'nothing; nothing holds it', []])
    assert.deepEqual(gatesOf(found), [
      'commit Allow',
      'reference site Allow site/main',
      'environment dev Allow environment/dev',
    ])
  })

  it('that waits for an output: on one screen', async () => {
    const held = aComponent('cdn/new', {
      ...bucket,
      committed: false,
      status: { conditions: conditions('False', 'OutputsUnavailable', 'arn is missing') },
    })
    const change = aChangeRequest({ name: 'soon', component: 'cdn/new', status: { phase: 'Queued' } })
    const { out } = await run(['component/cdn.new'], { components: [held, site], requests: [change] })
    assert.equal(
      out,
      [
        'Component dev/cdn/new is not Ready (OutputsUnavailable), since 90s',
        '',
        'GATE              VERDICT   OBJECT               MESSAGE',
        'commit            Queue                          OutputsUnavailable: arn is missing',
        'reference site    Queue     site/main            it has not reported arn',
        'change            Pending   changerequest/soon   is Queued; kubectl karma why soon says why',
        'environment dev   Allow     environment/dev      free, at version 7',
        '',
        'HELD BY     STATE',
        'site/main   not Ready; committed as version 1; outputs reported: url; it runs as running',
        '',
        'Next: it goes on by itself when site/main moves',
        '',
      ].join('\n'),
    )
  })

  const stories: [title: string, component: Parsed<Component>, gates: string[], next: RegExp][] = [
    [
      'that nobody has looked at',
      aComponent('cdn/new', { committed: false }),
      ['commit Pending', 'environment dev Allow environment/dev'],
      /nothing holds it/,
    ],
    [
      'that a guard refuses',
      aComponent('cdn/new', {
        committed: false,
        status: { conditions: conditions('False', 'GuardFailed', 'too big', 'True') },
      }),
      ['commit Reject', 'environment dev Allow environment/dev'],
      /mend what the gate names, in spec/,
    ],
    [
      'that refers to what is not there',
      aComponent('cdn/new', {
        committed: false,
        references: [
          { name: 'x', component: 'site/none' },
          { name: 'y', component: 'site/new' },
        ],
        status: { conditions: conditions('False', 'MissingReference', 'none', 'True') },
      }),
      [
        'commit Reject',
        'reference x Reject site/none',
        'reference y Queue site/new',
        'environment dev Allow environment/dev',
      ],
      /mend/,
    ],
    [
      'that was edited',
      aComponent('cdn/main', { status: { conditions: conditions('False', 'Edited', 'spec differs') } }),
      ['commit Queue', 'environment dev Allow environment/dev'],
      /ask for the difference with a ChangeRequest, or set spec back/,
    ],
    [
      'that is being deleted, and in use',
      aComponent('site/old', {
        metadata: { deletionTimestamp: at(noon) },
        status: { conditions: conditions('True', 'Committed', 'as version 1') },
      }),
      ['commit Allow', 'deletion Reject dns/main', 'environment dev Allow environment/dev'],
      /delete or change those that refer to it/,
    ],
    [
      'that has drifted',
      aComponent('cdn/main', {
        status: {
          conditions: [
            ...conditions('True', 'Committed', 'as version 1'),
            condition('Drifted', 'True', 'Drifted', '/a differs'),
          ],
        },
      }),
      ['commit Allow', 'drift Warn', 'environment dev Allow environment/dev'],
      /nothing holds it/,
    ],
  ]
  for (const [title, component, gates, next] of stories) {
    it(title, async () => {
      const dns = aComponent('dns/main', { references: [{ name: 'old', component: 'site/old' }] })
      const fresh = aComponent('site/new', { committed: false })
      const { type, nickname } = component.spec
      const found = await explained(`${type}/${nickname}`, { components: [component, dns, fresh] })
      assert.deepEqual(gatesOf(found), gates)
      assert.match(found.next, next)
    })
  }

  it('of one that is not there is an error, and 1', async () => {
    const { code, err } = await run(['cdn/none'], {})
    assert.deepEqual(
      [code, err],
      [
        1,
        'error: Component dev/cdn/none: expected one of that name, found none; see kubectl get components -n dev (NotFound)\n',
      ],
    )
  })
})
