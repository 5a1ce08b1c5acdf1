import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  ChangeRequest,
  Component,
  ComponentTypeSpec,
  EnvironmentSpec,
} from '../../../operator/api/kinds.generated.ts'
import type { Parsed } from '../../../operator/api/parse.ts'
import { planChange } from '../../../operator/core/change/plan.ts'
import type { Of } from '../../../operator/ports/cluster.ts'
import { aChangeRequest, aComponent, aComponentType, anEnvironment, aWorld } from '../../support/builders.ts'
import { type Circumstances, typed } from '../../support/command-line.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

const site = aComponent('site/main', { config: { size: 1, title: 'x', deep: { a: 1 } } })
const cdn = aComponent('cdn/main', { references: [{ name: 'site', component: 'site/main' }] })
const dns = aComponent('dns/main', { references: [{ name: 'cdn', component: 'cdn/main' }] })

interface Cluster {
  readonly components?: Parsed<Component>[]
  readonly types?: Readonly<Record<string, ComponentTypeSpec>>
  readonly environment?: EnvironmentSpec
  readonly requests?: Of<'ChangeRequest'>[]
  readonly forbidden?: readonly string[]
  readonly status?: object
}

const inCluster = ({ components = [site, cdn, dns], types = {}, environment = {}, ...rest }: Cluster = {}) =>
  makeMemoryObjects(
    {
      Component: components,
      ComponentType: Object.entries(types).map(([name, spec]) => ({ ...aComponentType(name, spec), faults: [] })),
      Environment: [{ ...anEnvironment(environment, { version: 7, ...rest.status }), faults: [] }],
      ChangeRequest: rest.requests ?? [],
    },
    { groups: ['system:authenticated', 'team'], forbidden: rest.forbidden ?? [] },
  )

const manifest = (spec: object, name = 'wish') =>
  JSON.stringify({ apiVersion: 'usekarma.dev/v1alpha1', kind: 'ChangeRequest', metadata: { name }, spec })

const plan = (spec: object, cluster: Cluster = {}, ...args: string[]) =>
  typed(['plan', '-f', 'f.json', ...args], {
    files: { 'f.json': manifest({ component: 'site/main', ...spec }) },
    session: { objects: inCluster(cluster).objects },
  })

const planned = async (spec: object, cluster: Cluster = {}) => {
  const { code, out, err } = await plan(spec, cluster, '-o', 'json')
  assert.equal(err, '')
  return { code, ...JSON.parse(out).plans[0] }
}

const guard = (expression: string, verdict?: 'Warn' | 'Queue' | 'Reject') => ({
  guards: [{ name: 'mine', expression, message: 'not now', ...(verdict && { verdict }) }],
})

describe('kubectl karma plan', () => {
  it('says all that a change would do', async () => {
    const { code, out, err } = await plan({ proposedChange: { size: 2, deep: { b: [1] } }, remove: ['/title'] })
    assert.equal(err, '')
    assert.equal(code, 0)
    const [hash] = /sha256:[0-9a-f]{64}/.exec(out) ?? []
    assert.equal(
      out,
      [
        'ChangeRequest dev/wish would be applied',
        '',
        'Changes 3 fields of site/main',
        '  /deep/b: + [1]',
        '  /size: 1 -> 2',
        '  /title: - "x"',
        '',
        'Affects 2 Components',
        '  DISTANCE   COMPONENT',
        '  1          cdn/main',
        '  2          dns/main',
        '',
        `Plan ${hash}, on dev/dev at version 7`,
        '',
      ].join('\n'),
    )
  })

  it('shows with -o wide on which way a change arrives', async () => {
    const { out } = await plan({ proposedChange: { size: 2 } }, {}, '-o', 'wide')
    assert.match(out, /^ {2}2 +dns\/main +site\/main <- cdn\/main <- dns\/main$/m)
  })

  it('has the hash of the same plan in the operator', async () => {
    const cluster = { types: { site: guard('size(after.title) > 3', 'Queue') } }
    const request = aChangeRequest({ proposedChange: { size: 2 } })
    const operator = planChange(request, aWorld({ components: [site, cdn, dns], version: 7, ...cluster }))
    assert.ok(operator.ok)
    const here = await planned({ proposedChange: { size: 2 } }, cluster)
    assert.equal(here.hash, operator.value.hash)
    assert.deepEqual(here.graphVersions, { 'dev/dev': 7 })
  })

  const waiting = aComponent('site/new', { committed: false })
  const decisions: [title: string, spec: object, cluster: Cluster, code: number, decision: string, reason: string][] = [
    ['would be applied', { proposedChange: { size: 2 } }, {}, 0, 'Allow', 'Applied'],
    ['would change nothing', { proposedChange: { size: 1 } }, {}, 0, 'Allow', 'Unchanged'],
    ['is warned of', { proposedChange: { size: 2 } }, { environment: guard('false', 'Warn') }, 0, 'Warn', 'Applied'],
    [
      'would wait',
      { proposedChange: { size: 2 } },
      { environment: guard('false', 'Queue') },
      3,
      'Queue',
      'GuardFailed',
    ],
    [
      'may not wait',
      { proposedChange: { size: 2 }, onConflict: 'Reject' },
      { environment: guard('false', 'Queue') },
      2,
      'Reject',
      'GuardFailed',
    ],
    [
      'would be rejected',
      { proposedChange: { size: 2 } },
      { types: { site: guard('false') } },
      2,
      'Reject',
      'GuardFailed',
    ],
    [
      'is judged like Apply in mode Plan',
      { mode: 'Plan', proposedChange: { size: 2 } },
      { environment: guard('false', 'Queue') },
      3,
      'Queue',
      'GuardFailed',
    ],
    ['asks for nothing', {}, {}, 2, 'Reject', 'EmptyChange'],
    [
      'names no Component',
      { component: 'site/nowhere', proposedChange: { a: 1 } },
      {},
      2,
      'Reject',
      'UnknownComponent',
    ],
    [
      'names one that is new',
      { component: 'site/new', proposedChange: { a: 1 } },
      { components: [waiting] },
      3,
      'Queue',
      'UnknownComponent',
    ],
    ['holds a null', { proposedChange: { size: null } }, {}, 2, 'Reject', 'NullValue'],
    ['holds a field that the API server does not know', { proposedChanges: {} }, {}, 2, 'Reject', 'InvalidObject'],
    [
      'goes by who asks',
      { proposedChange: { size: 2 } },
      { environment: guard("'team' in request.requestedBy.groups && request.name == 'wish'") },
      0,
      'Allow',
      'Applied',
    ],
    [
      'is not asked by who is written down',
      { proposedChange: { size: 2 }, requestedBy: { username: 'root' } },
      { environment: guard("request.requestedBy.username == 'jo'") },
      0,
      'Allow',
      'Applied',
    ],
  ]
  for (const [title, spec, cluster, code, decision, reason] of decisions) {
    it(`${title}: ${decision}, exit code ${code}`, async () => {
      const found = await planned(spec, cluster)
      assert.deepEqual([found.code, found.decision, found.reason], [code, decision, reason])
    })
  }

  it('shows no plan of what is refused before it is planned', async () => {
    const { hash, changes, message } = await planned({ proposedChange: { size: 2, more: null } })
    assert.deepEqual([hash, changes], [undefined, []])
    assert.match(message, /spec\.proposedChange\.more: expected a value/)
  })

  it('waits for a change that is being written', async () => {
    const status = {
      phase: 'Applying',
      environment: 'dev',
      affectedComponents: ['cdn/main'],
    } as ChangeRequest['status']
    const other = aChangeRequest({ name: 'other', component: 'base/main', status })
    const found = await planned({ proposedChange: { size: 2 } }, { requests: [other] })
    assert.deepEqual([found.code, found.decision, found.reason], [3, 'Queue', 'InFlight'])
    assert.equal(found.verdicts[0].object, 'changerequest/other')
    assert.equal(found.hash, (await planned({ proposedChange: { size: 2 } })).hash)
  })

  it('names guards and the objects that hold it', async () => {
    const { out } = await plan({ proposedChange: { size: 2 } }, { environment: guard('false', 'Queue') })
    assert.match(out, /^ChangeRequest dev\/wish would wait: GuardFailed$/m)
    assert.match(
      out,
      /^ {2}Queue +mine +site\/main +Component site\/main: not now \(a guard of Environment dev\/dev\)$/m,
    )
  })

  it('says that the name is taken', async () => {
    const there = aChangeRequest({ name: 'wish', status: { phase: 'Queued' } })
    const { out, code } = await plan({ proposedChange: { size: 2 } }, { requests: [there] })
    assert.match(
      out,
      /Warning: ChangeRequest dev\/wish is there already, and is Queued: kubectl apply would not ask again/,
    )
    assert.equal(code, 0)
  })

  it('shows colours and cuts long values on a terminal', async () => {
    const text = 'long '.repeat(60)
    const files = { 'f.json': manifest({ component: 'site/main', proposedChange: { title: text } }) }
    const session = { objects: inCluster().objects }
    const { out } = await typed(['plan', '-f', 'f.json'], { files, session, colours: true })
    assert.ok(out.startsWith('ChangeRequest dev/wish \u001b[32mwould be applied\u001b[0m\n'), out)
    assert.ok(out.includes('…') && !out.includes(text))
  })

  describe('several requests', () => {
    const files: Circumstances['files'] = {
      'a.yaml': `${manifest({ component: 'site/main', proposedChange: { size: 2 } }, 'a')}`,
      'b.yaml': `# comment\n---\n${manifest({ component: 'site/nowhere', proposedChange: { size: 2 } }, 'b')}\n---\nkind: ConfigMap\n`,
    }
    const run = (...args: string[]) => typed(['plan', ...args], { files, session: { objects: inCluster().objects } })

    it('from several files; the worst decides the exit code', async () => {
      const { code, out, err } = await run('-f', 'a.yaml', '-f', 'b.yaml')
      assert.equal(code, 2)
      assert.match(
        out,
        /^ChangeRequest dev\/a would be applied\n[\s\S]*\n\nChangeRequest dev\/b would be rejected: UnknownComponent\n/,
      )
      assert.equal(err, 'b.yaml, object 2: ConfigMap: left out, only a ChangeRequest of usekarma.dev is planned\n')
    })

    it('as YAML', async () => {
      assert.match(
        (await run('-f', 'a.yaml', '-o', 'yaml')).out,
        /^plans:\n {2}- namespace: dev\n {4}changeRequest: a\n/,
      )
    })
  })

  it('tries again while a version is being written, and says so when it goes on', async () => {
    const status = { applying: [{ kind: 'ChangeRequest', name: 'other', uid: 'uid-other' }] }
    const applying = aChangeRequest({ name: 'other', status: { phase: 'Applying', environment: 'dev' } })
    const memory = inCluster({ requests: [applying], status })
    const files = { 'f.json': manifest({ component: 'site/main', proposedChange: { size: 2 } }) }
    let pauses = 0
    const sleep = async () => {
      if (++pauses === 3) Object.assign(applying.status!, { phase: 'Applied' })
    }
    const done = await typed(['plan', '-f', 'f.json'], { files, session: { objects: memory.objects }, sleep })
    assert.deepEqual([done.code, done.err, pauses], [0, '', 3])
    Object.assign(applying.status!, { phase: 'Applying' })
    const never = await typed(['plan', '-f', 'f.json'], { files, session: { objects: memory.objects } })
    assert.equal(never.code, 1)
    assert.match(never.err, /Environment dev\/dev: a version is being written and cannot be planned on; try again/)
  })

  it('reads all of it again when the moment is forgotten, and not for ever', async () => {
    const { objects } = inCluster()
    const files = { 'f.json': manifest({ component: 'site/main', proposedChange: { size: 2 } }) }
    const expired = { ok: false, failure: { reason: 'Expired', message: 'too old', retry: true } } as const
    const run = async (times: number) => {
      const moments: (string | undefined)[] = []
      const list: typeof objects.list = (kind, where) => {
        if (kind === 'Environment') moments.push(where?.at)
        return kind === 'Environment' && moments.length <= times ? Promise.resolve(expired) : objects.list(kind, where)
      }
      return {
        ...(await typed(['plan', '-f', 'f.json'], { files, session: { objects: { ...objects, list } } })),
        moments,
      }
    }
    const once = await run(1)
    assert.deepEqual([once.code, once.moments], [0, ['100', '100']])
    const always = await run(9)
    assert.deepEqual([always.code, always.err, always.moments.length], [1, 'error: too old (Expired)\n', 3])
  })

  describe('-f with a folder', () => {
    let folder: string
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'karma-plan-'))
      mkdirSync(join(folder, 'below.yaml'))
      for (const name of ['b.yml', 'a.json', 'c.txt']) {
        writeFileSync(join(folder, name), manifest({ component: 'site/main', proposedChange: { size: 2 } }, name[0]))
      }
    })
    after(() => rmSync(folder, { recursive: true }))

    it('reads the manifests in it, by name', async () => {
      const { out } = await typed(['plan', '-f', folder, '-o', 'json'], { session: { objects: inCluster().objects } })
      assert.deepEqual(
        JSON.parse(out).plans.map((plan: { changeRequest: string }) => plan.changeRequest),
        ['a', 'b'],
      )
    })
  })

  const refusals: [title: string, args: string[], circumstances: Circumstances, message: RegExp][] = [
    ['no file', ['plan'], {}, /required option '-f, --filename <file>' not specified/],
    [
      'a file that is not there',
      ['plan', '-f', '/nowhere/f.yaml'],
      {},
      /-f \/nowhere\/f.yaml: ENOENT.*\(InvalidManifest\)/,
    ],
    ['a file that cannot be read', ['plan', '-f', 'f'], { files: { f: 'a: [' } }, /f: .*\(InvalidManifest\)/],
    [
      'a file without requests',
      ['plan', '-f', 'f'],
      { files: { f: 'kind: ConfigMap' } },
      /f: expected a ChangeRequest of usekarma.dev, found none/,
    ],
    [
      'two namespaces',
      ['plan', '-f', 'f', '-n', 'prod'],
      { files: { f: '{apiVersion: usekarma.dev/v1alpha1, kind: ChangeRequest, metadata: {name: x, namespace: dev}}' } },
      /f: metadata.namespace: expected prod, as -n says, found dev/,
    ],
    [
      'what may not be read',
      ['plan', '-f', 'f'],
      {
        files: { f: manifest({ component: 'site/main' }) },
        session: { objects: inCluster({ forbidden: ['list ComponentType'] }).objects },
      },
      /jo cannot list ComponentType \(Forbidden\)/,
    ],
  ]
  for (const [title, args, circumstances, message] of refusals) {
    it(`${title} is an error, and 1`, async () => {
      const { code, out, err } = await typed(args, circumstances)
      assert.match(err, message)
      assert.deepEqual([code, out], [1, ''])
    })
  }
})

describe('kubectl karma plan: other environments and namespaces', () => {
  const far = (namespace: string) => ({ metadata: { namespace } })
  const shared = aComponent('bucket/logs', { ...far('shared'), allowedNamespaces: ['dev'] })
  const shut = aComponent('bucket/shut', far('shared'))
  const open = aComponent('site/main', { config: { size: 1 }, allowedNamespaces: ['shop'] })
  const live = aComponent('zone/z', { environment: 'live', references: [{ name: 'cdn', component: 'cdn/main' }] })
  const cart = aComponent('cart/c', { ...far('shop'), references: [{ name: 'site', component: 'dev/site/main' }] })
  const behind = aComponent('page/p', {
    ...far('shop'),
    environment: 'live',
    references: [{ name: 'c', component: 'cart/c' }],
  })
  const environmentIn = (namespace: string, name: string) => {
    const environment = anEnvironment({}, { version: 3 })
    return { ...environment, metadata: { ...environment.metadata, namespace, name }, faults: [] }
  }
  const run = async (spec: object, forbidden: readonly string[] = []) => {
    const { objects } = makeMemoryObjects({
      Component: [open, cdn, dns, live, cart, behind, shared, shut],
      Environment: [environmentIn('dev', 'dev'), environmentIn('dev', 'live'), environmentIn('shop', 'dev')],
    })
    // A right is of a namespace.
    const list: typeof objects.list = async (kind, where) =>
      forbidden.includes(where?.namespace ?? '')
        ? { ok: false, failure: { reason: 'Forbidden', message: 'jo may not', retry: true } }
        : objects.list(kind, where)
    const files = { 'f.json': manifest({ component: 'site/main', ...spec }) }
    const { out } = await typed(['plan', '-f', 'f.json', '-o', 'json'], {
      files,
      session: { objects: { ...objects, list } },
    })
    return JSON.parse(out).plans[0]
  }

  it('shows what depends on it there, and has the hash of the operator', async () => {
    const { affected, graphVersions, warnings, hash } = await run({ proposedChange: { size: 2 } })
    assert.deepEqual(
      affected.map(({ component, path }: { component: string; path: string[] }) => `${component}: ${path.join(' ')}`),
      [
        'cdn/main: site/main cdn/main',
        'shop/cart/c: site/main shop/cart/c',
        'dns/main: site/main cdn/main dns/main',
        'zone/z: site/main cdn/main zone/z',
        'shop/page/p: site/main shop/cart/c shop/page/p',
      ],
    )
    assert.deepEqual(graphVersions, { 'dev/dev': 3, 'dev/live': 3, 'shop/dev': 3 })
    assert.deepEqual(warnings, [])
    const request = aChangeRequest({ proposedChange: { size: 2 } })
    const operator = planChange(request, aWorld({ components: [open, cdn, dns, live, cart, behind, shared] }))
    assert.ok(operator.ok)
    assert.equal(hash, operator.value.hash)
  })

  const to = (component: string) => ({ proposedReferences: [{ name: 'logs', component }] })
  it('reads what is referred to', async () => {
    assert.equal((await run(to('shared/bucket/logs'))).decision, 'Allow')
    const said = (name: string) =>
      `Component site/main: spec.references[logs].component: expected a Component that lets namespace dev refer to it (spec.allowedNamespaces), found none named shared/bucket/${name}`
    for (const name of ['shut', 'none']) {
      const { decision, reason, message } = await run(to(`shared/bucket/${name}`))
      assert.deepEqual([decision, reason, message], ['Reject', 'ForeignReference', said(name)])
    }
  })

  it('says plainly what it may not read', async () => {
    const warning = (names: string) => [`not whole: you may not list components in ${names}, and the operator does`]
    assert.deepEqual((await run({ proposedChange: { size: 2 } }, ['shop', 'shared'])).warnings, warning('shop'))
    const { decision, warnings } = await run(to('shared/bucket/logs'), ['shared'])
    assert.deepEqual([decision, warnings], ['Reject', warning('shared')])
    assert.deepEqual((await run({ component: 'dns/main', proposedChange: { a: 1 } }, ['shop', 'shared'])).warnings, [])
  })
})
