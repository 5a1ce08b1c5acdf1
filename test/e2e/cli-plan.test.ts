import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ChangeRequest } from '../../operator/api/kinds.generated.ts'
import { readManifests } from '../../operator/cli/manifests.ts'
import { commandLine } from '../support/command-line.ts'
import { admin, type User, userOf } from '../support/command-line-user.ts'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, environment, refersTo } from '../support/karma-objects.ts'

describe('kubectl karma plan', () => {
  let tools: Karma
  let here: Namespace
  let me: User
  let viewer: User

  before(async function () {
    this.timeout(60_000)
    tools = karma()
    here = await openNamespace(tools.api, 'cli-plan')
    me = admin(tools, here.name)
    await here.create(
      componentType('cli-plan-site', {
        configSchema: { type: 'object', properties: { size: { type: 'integer', maximum: 90 } } },
        outputs: [
          { name: 'url', from: ['/title'] },
          { name: 'arn', from: ['/size'] },
        ],
        guards: [
          {
            name: 'who',
            expression: "after.?title.orValue('') != 'root' || 'system:masters' in request.requestedBy.groups",
          },
          { name: 'many', expression: 'impact.count < 10 || !changedPaths.exists(p, p == "/title")', verdict: 'Warn' },
          {
            name: 'later',
            forEach: 'Dependents',
            expression: "after.?size.orValue(0) != 9 || 'ready' in other.outputs",
            verdict: 'Queue',
          },
          { name: 'never', expression: 'after.?size.orValue(0) != 13', message: 'thirteen' },
          { name: 'broken', expression: 'after.?size.orValue(0) != 66 || before.nothing == 1' },
        ],
      }),
      environment('dev', { guards: [{ name: 'small', expression: 'after.?size.orValue(0) < 50', verdict: 'Warn' }] }),
    )
    const many = Array.from({ length: 30 }, (_, i) =>
      component(`cli-plan-part/p${i}`, {
        references: [{ name: 'site', component: 'cli-plan-site/main', outputs: [i % 2 ? 'url' : 'arn'] }],
      }),
    )
    await here.commit(component('cli-plan-site/main', { config: { size: 1, title: 'x', on: { deep: [1] } } }))
    await here.report('cli-plan-site.main', { outputs: { url: 'u', arn: 'a' } })
    await here.commit(...many)
    await here.commit(component('cli-plan-far/end', { references: refersTo('cli-plan-part/p1') }))
    viewer = await userOf(tools, { namespace: here.name, name: 'viewer', role: 'view' })
  })
  after(() => viewer.forget())

  /** What the operator made of it, or, where it may wait, what it would do. */
  const byOperator = async (file: string, name: string): Promise<ChangeRequest> => {
    await tools.kubectl('create', '-f', file)
    return here.finished(name)
  }

  const specs: [title: string, spec: string, code: number, decision: string][] = [
    ['is applied', 'proposedChange: {size: 2}', 0, 'Allow'],
    ['reaches by another output', 'proposedChange: {title: y}', 0, 'Warn'],
    ['is read as YAML 1.1', 'proposedChange: {size: 022, title: on, on: {no: yes, n: 0o17}}', 0, 'Warn'],
    ['takes away', 'remove: [/on/deep, /nothing]', 0, 'Allow'],
    ['takes away what is in use', 'remove: [/title]', 2, 'Reject'],
    ['changes nothing', 'proposedChange: {size: 1}', 0, 'Allow'],
    ['is warned of by the Environment', 'proposedChange: {size: 60}', 0, 'Warn'],
    ['waits', 'proposedChange: {size: 9}', 3, 'Queue'],
    [
      'waits for an output',
      `component: cli-plan-far/end\n  proposedChange: {a: "\${cli-plan-part-p1.ip}"}`,
      3,
      'Queue',
    ],
    ['is rejected', 'proposedChange: {size: 13}', 2, 'Reject'],
    ['does not fit the schema', 'proposedChange: {size: 91}', 2, 'Reject'],
    ['meets a guard that breaks', 'proposedChange: {size: 66}', 2, 'Reject'],
    ['reads a reference that is not there', `proposedChange: {title: "\${nobody.url}"}`, 2, 'Reject'],
  ]
  for (const [i, [title, spec, code, decision]] of specs.entries()) {
    it(`that ${title} says ${decision} and has the operator’s hash, whoever asks`, async () => {
      const name = `plan-${i}`
      const about = spec.includes('component:') ? '' : '  component: cli-plan-site/main\n'
      const file = tools.file(
        `apiVersion: usekarma.dev/v1alpha1\nkind: ChangeRequest\nmetadata: {name: ${name}, namespace: ${here.name}}\nspec:\n${about}  mode: Plan\n  ${spec}\n`,
      )
      const said = await me.type(['plan', '-f', file, '-o', 'json'])
      const seen = await viewer.type(['plan', '-f', file, '-o', 'json'])
      const { status } = await byOperator(file, name)
      assert.equal(said.err, '')
      const [plan] = JSON.parse(said.out).plans
      assert.deepEqual([said.code, plan.decision], [code, decision])
      assert.equal(plan.hash, status?.plan?.hash)
      assert.equal(plan.affectedCount, status?.affectedCount)
      assert.deepEqual(
        plan.affected.slice(0, 100).map((one: { component: string }) => one.component),
        status?.affectedComponents,
      )
      assert.deepEqual(
        plan.verdicts
          .slice(0, 16)
          .map(({ guard, verdict }: { guard: string; verdict: string }) => `${guard} ${verdict}`),
        (status?.plan?.verdicts ?? []).map(({ guard, verdict }) => `${guard} ${verdict}`),
      )
      assert.deepEqual(plan.graphVersions, status?.plan?.graphVersions)
      assert.deepEqual([seen.code, JSON.parse(seen.out).plans[0].hash], [code, plan.hash])
    })
  }

  it('goes by who asks', async () => {
    const file = tools.file(
      JSON.stringify({
        ...changeRequest('root', { component: 'cli-plan-site/main', proposedChange: { title: 'root' } }),
      }),
    )
    assert.equal((await me.type(['plan', '-f', file])).code, 0)
    const refused = await viewer.type(['plan', '-f', file])
    assert.equal(refused.code, 2)
    assert.match(refused.out, /would be rejected: GuardFailed/)
  })

  it('writes nothing', async () => {
    const before = await here.snapshot()
    const file = tools.file(
      JSON.stringify(changeRequest('ghost', { component: 'cli-plan-site/main', proposedChange: { size: 3 } })),
    )
    assert.equal((await me.type(['plan', '-f', file])).code, 0)
    assert.equal(await here.get('ChangeRequest', 'ghost'), undefined)
    assert.deepEqual(await here.snapshot(), before)
  })

  it('elsewhere is refused to who may not read there', async () => {
    const file = tools.file(
      JSON.stringify(changeRequest('x', { component: 'cli-plan-site/main', proposedChange: { size: 2 } })),
    )
    const { code, out, err } = await viewer.type(['plan', '-f', file, '-n', 'default'])
    assert.deepEqual([code, out], [1, ''])
    assert.match(
      err,
      /^error: components\.usekarma\.dev is forbidden: User "system:serviceaccount:cli-plan:viewer" cannot list .* in the namespace "default"; kubectl auth can-i --list shows your rights \(Forbidden\)\n$/,
    )
  })

  it('as a plugin: from standard input, in the namespace of the context, told by the environment', async () => {
    const input = JSON.stringify(changeRequest('x', { component: 'cli-plan-site/main', proposedChange: { size: 13 } }))
    const { code, out, err } = await commandLine({ KUBECONFIG: viewer.kubeconfig }, ['plan', '-f', '-'], input)
    assert.equal(err, '')
    assert.equal(code, 2)
    assert.match(out, /^ChangeRequest cli-plan\/x would be rejected: GuardFailed\n/)
    assert.match(
      out,
      /^ {2}Reject +never +cli-plan-site\/main +Component cli-plan-site\/main: thirteen \(a guard of ComponentType cli-plan-site\)$/m,
    )
  })

  it('reads files as the kubectl at hand does', async () => {
    const scalars =
      'on No y N tRue NULL ~ 022 0777 089 0o22 0O17 0o8 0b101 0B11 0b12 0x1F 0X1f 0x_1F 0x 1_000 1_ _1 +12 --1 -022 -0b11 -0x1F ' +
      '1e3 12e03 1E3 6.02e23 1e21 1e400 1e 1. .5 .1_0 1.5_0 -.5e-3 1.e3 e3 0x1p4 00 -0 1.0 . = infinity 190:20:30 1:20 2001-01-01 ' +
      "2001-12-14t21:59:43.10-05:00 9007199254740991 '022' \"no\" !!str\t12 !!int\t'022' !!float\t1 !!bool\t'on' !\t12 !foo\t1 !!binary\taGVsbG8="
    const lines = scalars.split(' ').map((scalar, i) => `    s${i}: ${scalar.replace('\t', ' ')}`)
    const file = tools.file(
      [
        'apiVersion: usekarma.dev/v1alpha1',
        'kind: ChangeRequest',
        'metadata: {name: dialect}',
        'spec:',
        '  component: cli-plan-site/main',
        '  proposedChange:',
        ...lines,
        '    keys: {1.50: a, on: b, 0x10: c, 2001-01-01: d, y: e}',
        '    anchor: &x {b: 1}',
        '    merged: {<<: *x, d: 2}',
        '    twice: {a: 1, a: 2}',
        '    text: |\n      a\n       b\n    folded: >-\n      a\n      b',
        '    set: !!set {a, b}',
        '',
      ].join('\n'),
    )
    const kubectl = await tools.kubectl('create', '--dry-run=client', '--validate=false', '-o', 'json', '-f', file)
    const ours = readManifests(readFileSync(file, 'utf8'), file)
    assert.ok(ours.ok, ours.ok ? '' : ours.failure.message)
    const { spec } = ours.value[0]!.raw as ChangeRequest
    assert.deepEqual(JSON.parse(JSON.stringify(spec)), JSON.parse(kubectl).spec)
  })
})
