import assert from 'node:assert/strict'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, refersTo } from '../support/karma-objects.ts'

describe('what kubectl shows', () => {
  let tools: Karma
  let here: Namespace

  /** The first line of a table as column names, the others as cells. Cells of Karma's tables hold no two spaces. */
  const table = async (...args: string[]): Promise<Record<string, string>[]> => {
    const [head = '', ...lines] = (await tools.kubectl(...args)).trimEnd().split('\n')
    const columns = [...head.matchAll(/\S+ */g)]
    return lines.map((line) =>
      Object.fromEntries(
        columns.map((column, i) => [column[0].trim(), line.slice(column.index, columns[i + 1]?.index).trim()]),
      ),
    )
  }
  const without = (row: Record<string, string> | undefined, ...names: string[]) =>
    Object.fromEntries(Object.entries(row ?? {}).filter(([name]) => !names.includes(name)))

  before(async () => {
    tools = karma()
    here = await openNamespace(tools.api, 'kubectl')
    await here.commit(
      componentType('kubectl-site', {}),
      component('kubectl-site/one', { config: { a: 1 } }),
      component('kubectl-cdn/one', { references: [{ name: 'site', component: 'kubectl-site/one' }] }),
    )
    await here.create(component('kubectl-cdn/held', { references: refersTo('kubectl-site/nowhere') }))
    await here.until('Component', 'kubectl-cdn.held', 'to be held', ({ status }) => {
      return conditionOf(status, 'Stalled')?.status === 'True'
    })
    await here.until('Component', 'kubectl-site.one', 'one dependent', ({ status }) => status?.dependents === 1)
    await here.create(changeRequest('waits', { component: 'kubectl-cdn/one', proposedChange: { url: `\${site.url}` } }))
    await here.phase('waits', 'Queued')
  })

  it('waits for the end of a change, whatever it is', async () => {
    const path = tools.file(`
apiVersion: usekarma.dev/v1alpha1
kind: ChangeRequest
metadata: {name: good, namespace: kubectl}
spec: {component: kubectl-site/one, proposedChange: {a: 2}}
---
apiVersion: usekarma.dev/v1alpha1
kind: ChangeRequest
metadata: {name: bad, namespace: kubectl}
spec: {component: kubectl-site/two, proposedChange: {a: 2}}
`)
    await tools.kubectl('apply', '-f', path)
    const wait = ['--namespace=kubectl', '--timeout=15s']
    assert.match(
      await tools.kubectl('wait', ...wait, '--for=condition=Finished', 'kcr/good', 'kcr/bad'),
      /condition met/,
    )
    assert.match(await tools.kubectl('wait', ...wait, '--for=condition=Succeeded', 'kcr/good'), /condition met/)
    assert.match(await tools.kubectl('wait', ...wait, '--for=condition=Stalled', 'kcr/bad'), /condition met/)
    assert.match(
      await tools.kubectl('wait', ...wait, '--for=condition=Committed', 'kcomp/kubectl-site.one'),
      /condition met/,
    )
  })

  it('lists all kinds by their category', async () => {
    const all = await tools.kubectl('get', 'karma', '--all-namespaces')
    for (const shown of [
      'component.usekarma.dev/kubectl-site.one',
      'changerequest.usekarma.dev/waits',
      'environment.usekarma.dev/dev',
      'componenttype.usekarma.dev/kubectl-site',
    ]) {
      assert.ok(all.includes(shown), `expected ${shown} in:\n${all}`)
    }
  })

  it('lists Components with their columns', async () => {
    const rows = await table('get', 'kcomp', '--namespace=kubectl')
    assert.deepEqual(
      rows.map((row) => without(row, 'AGE')),
      [
        {
          NAME: 'kubectl-cdn.held',
          TYPE: 'kubectl-cdn',
          ENV: 'dev',
          READY: 'False',
          COMMITTED: 'False',
          DEPENDENTS: '0',
        },
        { NAME: 'kubectl-cdn.one', TYPE: 'kubectl-cdn', ENV: 'dev', READY: 'True', COMMITTED: 'True', DEPENDENTS: '0' },
        {
          NAME: 'kubectl-site.one',
          TYPE: 'kubectl-site',
          ENV: 'dev',
          READY: 'True',
          COMMITTED: 'True',
          DEPENDENTS: '1',
        },
      ],
    )
    const wide = await table('get', 'kcomp', 'kubectl-site.one', '--namespace=kubectl', '-o', 'wide')
    assert.equal(
      wide[0]?.['GRAPH-VERSION'],
      String((await here.get('Component', 'kubectl-site.one'))?.status?.committed?.graphVersion),
    )
  })

  it('lists ChangeRequests with their columns', async () => {
    const [bad, good, waits] = await table('get', 'kcr', '--namespace=kubectl')
    assert.deepEqual(without(good, 'AGE'), {
      NAME: 'good',
      COMPONENT: 'kubectl-site/one',
      ENV: 'dev',
      MODE: 'Apply',
      PHASE: 'Applied',
      AFFECTED: '1',
      SUCCEEDED: 'True',
    })
    assert.deepEqual(without(bad, 'AGE', 'ENV', 'AFFECTED'), {
      NAME: 'bad',
      COMPONENT: 'kubectl-site/two',
      MODE: 'Apply',
      PHASE: 'Rejected',
      SUCCEEDED: 'False',
    })
    assert.deepEqual([waits?.PHASE, waits?.SUCCEEDED, waits?.ENV], ['Queued', 'Unknown', 'dev'])
    const wide = await table('get', 'kcr', 'waits', '--namespace=kubectl', '-o', 'wide')
    assert.deepEqual(
      [wide[0]?.POSITION, wide[0]?.['BLOCKED-BY'], wide[0]?.['REQUESTED-BY']],
      ['1', 'kubectl-site/one', 'admin'],
    )
    assert.match(wide[0]?.HASH ?? '', /^sha256:[0-9a-f]{64}$/)
    assert.match(wide[0]?.MESSAGE ?? '', /^Component kubectl-site\/one: status.outputs: expected url to be reported/)
  })

  it('lists Environments and ComponentTypes with their columns', async () => {
    await here.until('Environment', 'dev', 'one queued, free', ({ status }) => status?.queued === 1 && !status.lockedBy)
    const [environment] = await table('get', 'kenv', '--namespace=kubectl')
    const version = String((await here.get('Environment', 'dev'))?.status?.version)
    assert.deepEqual(without(environment, 'AGE'), {
      NAME: 'dev',
      VERSION: version,
      'LOCKED-BY': '',
      QUEUED: '1',
      READY: 'True',
      'EVENTS-PUBLISHED': 'True',
    })
    await here.until('ComponentType', 'kubectl-site', 'one Component', ({ status }) => status?.components === 1)
    const [type] = await table('get', 'kct', 'kubectl-site')
    assert.deepEqual([type?.COMPONENTS, type?.READY], ['1', 'True'])
  })

  it('describes a request with its Events', async () => {
    await here.told('bad', 'UnknownComponent')
    const text = await tools.kubectl('describe', 'kcr', 'bad', '--namespace=kubectl')
    assert.match(text, /Phase: +Rejected/)
    assert.match(
      text,
      /Warning +UnknownComponent .*ChangeRequest bad: spec.component: expected a Component in namespace kubectl, found none named kubectl-site\/two/,
    )
  })

  it('selects by phase', async () => {
    const rows = await table('get', 'kcr', '--namespace=kubectl', '--field-selector=status.phase=Queued')
    assert.deepEqual(
      rows.map(({ NAME }) => NAME),
      ['waits'],
    )
  })

  it('explains every field', async () => {
    const text = await tools.kubectl('explain', 'changerequest.spec')
    for (const field of [
      'component',
      'proposedChange',
      'remove',
      'mode',
      'onConflict',
      'reason',
      'requestedBy',
      'cancel',
    ]) {
      assert.match(text, new RegExp(`^  ${field}\\t<`, 'm'))
    }
    assert.match(text, /proposedChange\t<Object>\n +What to change in the committed config/)
    assert.match(await tools.kubectl('explain', 'component.status.committed'), /graphVersion/)
  })
})
