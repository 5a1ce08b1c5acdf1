import assert from 'node:assert/strict'
import type { ChangeRequestSpec, Json, Phase } from '../../operator/api/kinds.generated.ts'
import { kindsFolder } from '../check/places.ts'
import { readKinds } from '../check/schema.ts'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, environment, refersTo } from '../support/karma-objects.ts'
import { type ApiProxy, heldRequests, type ProxiedRequest } from '../support/proxy.ts'

describe('deletion', () => {
  let tools: Karma
  let proxy: ApiProxy
  let here: Namespace

  before(async () => {
    tools = karma()
    ;({ proxy } = karma())
    here = await openNamespace(tools.api, 'deletion')
    const ask = { name: 'ask', expression: 'before == null || after == null || !has(after.ask)' }
    await here.create(environment('dev', { guards: [{ ...ask, verdict: 'RequireApproval' }] }))
    await doom()
  })

  /** A namespace in which something is committed, held back, finished and waiting. */
  const full = async (name: string): Promise<Namespace> => {
    const namespace = await openNamespace(tools.api, name)
    await namespace.commit(
      component('net/one', { config: { a: 1 } }),
      component('host/one', { references: [{ name: 'net', component: 'net/one' }] }),
      component('app/one', { references: refersTo('host/one') }),
    )
    await namespace.create(component('app/held', { references: refersTo('net/nowhere') }))
    await namespace.ask(changeRequest('done', { component: 'net/one', proposedChange: { a: 2 } }))
    await namespace.create(changeRequest('waiting', { component: 'host/one', proposedChange: { a: `\${net.id}` } }))
    await namespace.phase('waiting', 'Queued')
    return namespace
  }

  /**
   * Begins to delete two such namespaces. Their controller looks every few seconds: the other tests need not wait for
   * it. In the second the gate stands still until the Environment is gone, so that all that leaves still finds it.
   */
  const doom = async (): Promise<void> => {
    await full('doomed')
    const late = await full('doomed-late')
    const gate = heldRequests(
      proxy,
      ({ namespace, resource, verb }) => namespace === 'doomed-late' && resource === 'environments' && verb === 'patch',
    )
    await tools.kubectl('delete', 'namespace', 'doomed', 'doomed-late', '--wait=false')
    doomed = late.gone('Environment', 'dev').finally(gate.release)
  }
  let doomed: Promise<void>

  const refusal = (id: string, dependents: number): string =>
    `Component ${id} has dependents: expected status.dependents 0 before it is deleted, found ${dependents}; delete ` +
    'those that refer to it first, or take their reference away; to find them: kubectl get components -A -o custom-columns='
  const dependents = (name: string, count: number) =>
    here.until('Component', name, `${count} dependents`, ({ status }) => status?.dependents === count)
  /** The API server does not hear of dependents until they are released: the count is behind. */
  const behind = (name: string) =>
    heldRequests(proxy, (request) => {
      return request.name === name && request.subresource === 'status' && /"dependents":[1-9]/.test(request.body)
    })
  const heard = (held: { seen: () => number }) =>
    eventually('expected a count of dependents', async () => ({ found: held.seen() > 0 || undefined }))

  it('of a Component is refused while others refer to it, and says how to find them', async () => {
    await here.commit(
      component('net/used'),
      component('host/one', { references: refersTo('net/used') }),
      component('host/two', { references: refersTo('net/used') }),
    )
    await dependents('net.used', 2)
    const path = here.path('Component', 'net.used')
    const refused = await tools.api.remove(path)
    assert.equal(refused.status, 403)
    assert.ok(refused.message.includes(refusal('net/used', 2)), refused.message)
    // The command that it names shows them.
    const [, columns = ''] = /custom-columns="([^"]*)"/.exec(refused.message) ?? []
    const shown = await tools.kubectl('get', 'components', '-A', `--output=custom-columns=${columns}`)
    for (const name of ['host.one', 'host.two']) assert.match(shown, new RegExp(`deletion +${name} +net/used\n`))
    assert.equal((await here.get('Component', 'net.used'))?.metadata.deletionTimestamp, undefined)
    // A deletion of all of them at once ends at the first that is refused.
    assert.equal((await tools.api.remove(here.path('Component'))).status, 403)
    await here.gone('Component', 'host.one')
    await here.gone('Component', 'host.two')
    await dependents('net.used', 0)
    await here.remove('Component', 'net.used')
    await here.gone('Component', 'net.used')
  })

  it('of a tree by kubectl goes in rounds, from the dependents to what they depend on', async () => {
    const tree = await openNamespace(tools.api, 'deletion-tree')
    await tree.commit(
      component('a-net/one'),
      component('b-host/one', { references: refersTo('a-net/one') }),
      component('c-app/one', { references: refersTo('b-host/one') }),
      component('c-app/two', { references: refersTo('b-host/one', 'a-net/one') }),
    )
    for (const [name, count] of [
      ['a-net.one', 2],
      ['b-host.one', 2],
    ] as const) {
      await tree.until('Component', name, `${count} dependents`, ({ status }) => status?.dependents === count)
    }
    const remove = ['delete', 'components', '--all', '--namespace=deletion-tree', '--timeout=15s'] as const
    await assert.rejects(
      tools.kubectl(...remove),
      /Component a-net\/one has dependents[\s\S]*Component b-host\/one has/,
    )
    await tree.gone('Component', 'c-app.one')
    await tree.gone('Component', 'c-app.two')
    let rounds = 1
    await eventually('expected all of them to be deleted', async () => {
      rounds++
      const found = await tools.kubectl(...remove).catch(() => undefined)
      return { found }
    })
    assert.ok(rounds >= 3, `${rounds} rounds`)
    for (const name of ['b-host.one', 'a-net.one']) assert.equal(await tree.get('Component', name), undefined)
  })

  it('of a Component that got past the refusal waits for its dependents, naming them', async () => {
    const count = behind('net.held')
    await here.commit(
      component('net/held'),
      component('host/a', { references: refersTo('net/held') }),
      component('host/b', { references: refersTo('net/held') }),
    )
    await heard(count)
    await here.remove('Component', 'net.held')
    count.release()
    const message = 'Component net/held: is being deleted, but host/a, host/b refer to it; delete them first'
    const held = await here.until('Component', 'net.held', 'to be held', ({ status }) => {
      return conditionOf(status, 'Stalled')?.message === message
    })
    assert.equal(conditionOf(held.status, 'Stalled')?.reason, 'OutputInUse')
    assert.ok(held.status?.committed)
    assert.deepEqual([(await here.told('net.held', 'OutputInUse')).type], ['Warning'])
    // Once more changes nothing, and is no error.
    await dependents('net.held', 2)
    await here.remove('Component', 'net.held')
    await here.remove('Component', 'host.a')
    await here.gone('Component', 'host.a')
    await here.until('Component', 'net.held', 'one dependent', ({ status }) => {
      const said = conditionOf(status, 'Stalled')?.message
      return (
        said === 'Component net/held: is being deleted, but host/b refer to it; delete them first' &&
        status?.dependents === 1
      )
    })
    await here.remove('Component', 'host.b')
    await here.gone('Component', 'host.b')
    await here.gone('Component', 'net.held')
  })

  it('of Components that refer to each other: they leave together', async () => {
    const count = behind('net.left')
    await here.commit(component('net/left'), component('host/left', { references: refersTo('net/left') }))
    await heard(count)
    await here.remove('Component', 'host.left')
    await here.remove('Component', 'net.left')
    count.release()
    await here.gone('Component', 'net.left')
    await here.gone('Component', 'host.left')
  })

  it('of a Component that was never committed is not held', async () => {
    await here.create(component('host/never', { references: refersTo('net/nowhere') }))
    await here.until(
      'Component',
      'host.never',
      'Stalled',
      ({ status }) => conditionOf(status, 'Stalled')?.status === 'True',
    )
    await here.remove('Component', 'host.never')
    await here.gone('Component', 'host.never')
  })

  it('of a Component, and its creation anew, begin a new life', async () => {
    await here.commit(component('net/twice', { config: { a: 1 } }))
    const first = await here.get('Component', 'net.twice')
    await here.remove('Component', 'net.twice')
    await here.gone('Component', 'net.twice')
    await here.commit(component('net/twice', { config: { a: 2 } }))
    const second = await here.get('Component', 'net.twice')
    assert.notEqual(second?.metadata.uid, first?.metadata.uid)
    assert.ok((second?.status?.committed?.graphVersion ?? 0) > (first?.status?.committed?.graphVersion ?? 0))
    assert.deepEqual(second?.status?.committed?.config, { a: 2 })
  })

  interface Row {
    /** asks for another `a` of `host/<name>`, which refers to `net/<name>` */
    readonly spec: Partial<ChangeRequestSpec>
    /** what Karma is kept from writing, so that the request stands where it is to be deleted */
    readonly held?: (request: ProxiedRequest, name: string) => boolean
    /** instead: what is written into `a` directly, one after the other */
    readonly edit?: readonly [Json, Json]
    /** `a` in the end: 1 as it was, 2 as it was asked for */
    readonly a: number
    /** what the ledger tells of it last */
    readonly last: string
  }
  const rows: Readonly<Record<Phase, Row>> = {
    Pending: {
      spec: { proposedChange: { a: 2 } },
      held: ({ name, subresource, body }, own) => {
        return name === own && subresource === 'status' && body.includes('writeAhead')
      },
      a: 1,
      last: 'change.cancelled',
    },
    Queued: { spec: { proposedChange: { a: `\${net.id}` } }, a: 1, last: 'change.cancelled' },
    Applying: {
      spec: { proposedChange: { a: 2 } },
      held: ({ verb, resource, name, subresource }, own) => {
        return verb === 'patch' && resource === 'components' && name === `host.${own}` && subresource === undefined
      },
      a: 2,
      last: 'change.applied',
    },
    Applied: { spec: { proposedChange: { a: 2 } }, a: 2, last: 'change.applied' },
    Planned: { spec: { proposedChange: { a: 2 }, mode: 'Plan' }, a: 1, last: 'change.planned' },
    Cancelled: { spec: { proposedChange: { a: 2 }, cancel: true }, a: 1, last: 'change.cancelled' },
    Rejected: { spec: { proposedChange: {} }, a: 1, last: 'change.rejected' },
    AwaitingApproval: { spec: { proposedChange: { a: 2, ask: true } }, a: 1, last: 'change.cancelled' },
    Expired: {
      spec: { proposedChange: { a: `\${net.id}` }, queueDeadlineSeconds: 1 },
      a: 1,
      last: 'change.expired',
    },
    Superseded: { spec: {}, edit: [`\${net.id}`, 1], a: 1, last: 'change.superseded' },
  }
  /** The request that the first of these edits of `a` became, once there is one. */
  const edited = async (name: string, [first, second]: readonly [Json, Json]): Promise<string> => {
    await here.patch('Component', `host.${name}`, { spec: { config: { a: first } } })
    const { body } = await eventually('expected a request', async () => {
      const last = await tools.api.get(`${here.path('ChangeRequest')}?fieldSelector=spec.component=host/${name}`)
      return { found: last.body.items.length > 0 ? last : undefined, last: last.body }
    })
    await here.patch('Component', `host.${name}`, { spec: { config: { a: second } } })
    return body.items[0].metadata.name
  }
  for (const [phase, { spec, held, edit, a, last }] of Object.entries(rows) as [Phase, Row][]) {
    it(`of a request that is ${phase} ${phase === 'Applying' ? 'waits until it has finished' : 'ends it, and undoes nothing'}`, async () => {
      const own = phase.toLowerCase()
      await here.commit(
        component(`net/${own}`),
        component(`host/${own}`, { config: { a: 1 }, references: [{ name: 'net', component: `net/${own}` }] }),
      )
      const write = held && heldRequests(proxy, (request) => held(request, own))
      if (!edit) await here.create(changeRequest(own, { component: `host/${own}`, ...spec }))
      const name = edit ? await edited(own, edit) : own
      if (write) await eventually('expected a write', async () => ({ found: write.seen() > 0 || undefined }))
      const is = await here.until('ChangeRequest', name, phase, ({ status }) => (status?.phase ?? 'Pending') === phase)
      assert.equal(is.metadata.deletionTimestamp, undefined)
      await here.remove('ChangeRequest', name)
      // One that is Pending may be ended at once, while what would decide it is still on its way.
      if (phase === 'Applying') {
        const kept = await here.get('ChangeRequest', name)
        assert.ok(kept?.metadata.deletionTimestamp)
        assert.equal(kept.status?.phase, phase)
      }
      write?.release()
      await here.gone('ChangeRequest', name)
      assert.equal((await ledger(`deletion/${name}`, last)).at(-1), last)
      const { spec: wanted, status } = (await here.get('Component', `host.${own}`))!
      assert.deepEqual([wanted.config, status?.committed?.config], [{ a }, { a }])
    })
  }

  it('of a request was tried in every phase that there is', () => {
    const { schema } = readKinds(kindsFolder).find(({ name }) => name === 'ChangeRequest')!
    assert.deepEqual(Object.keys(rows).sort(), schema.properties?.status?.properties?.phase?.enum?.toSorted())
  })

  it('of an Environment that is in use makes it anew', async () => {
    await here.create(environment('spare', {}))
    await here.commit(component('net/spare', { environment: 'spare', config: { a: 1 } }))
    await here.remove('Environment', 'spare')
    const spec = { component: 'net/spare', proposedChange: { a: 2 } }
    assert.equal((await here.ask(changeRequest('after-environment', spec))).status?.phase, 'Applied')
    const { committed } = (await here.get('Component', 'net.spare'))?.status ?? {}
    assert.deepEqual(committed?.config, { a: 2 })
    // Its versions go on: none is used twice.
    assert.equal(committed?.graphVersion, 2)
    assert.equal((await here.get('Environment', 'spare'))?.status?.version, 2)
  })

  for (const [name, when] of [
    ['doomed', 'completes'],
    ['doomed-late', 'completes when its Environment goes first'],
  ] as const) {
    it(`of a namespace ${when}`, async function () {
      this.timeout(60_000)
      await doomed
      const isGone = async () => {
        const answer = await tools.api.get(`/api/v1/namespaces/${name}`)
        return { found: answer.status === 404 ? true : undefined, last: answer.body }
      }
      await eventually(`expected namespace ${name} to be gone`, isGone, 50_000)
    })
  }

  /** The types of events about a change, once `last` is among them. */
  const ledger = async (change: string, last: string): Promise<string[]> => {
    const token = await tools.kubectl('create', 'token', 'karma', '--namespace=karma-system')
    const url = `http://${karma().operator.http}/api/v1/log?change=${change}`
    return eventually(`expected ${last} of ${change}`, async () => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token.trim()}` } })
      const body = (await answer.json()) as { events?: { event_type: string }[] }
      const types = (body.events ?? []).map(({ event_type }) => event_type).filter((type) => type.startsWith('change.'))
      return { found: types.includes(last) ? types : undefined, last: body }
    })
  }
})
