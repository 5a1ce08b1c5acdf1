import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangeRequest } from '../../operator/api/kinds.generated.ts'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, environment, refersTo } from '../support/karma-objects.ts'

const editor = { as: 'edna', groups: ['system:masters', 'system:authenticated'] }

describe('a direct edit of spec', () => {
  let tools: Karma
  let here: Namespace

  before(async () => {
    tools = karma()
    here = await openNamespace(tools.api, 'edits')
    await here.create(
      componentType('edits-guarded', {
        guards: [{ name: 'small', expression: '!has(after.size) || after.size < 10', message: 'too large' }],
      }),
    )
  })

  const edit = async (name: string, spec: object): Promise<void> => {
    const answer = await tools.api.mergePatch(here.path('Component', name), { spec }, editor)
    assert.equal(answer.status, 200, answer.message)
  }
  /** Requests that edits of this Component became, the oldest first. */
  const requestsOf = async (id: string): Promise<ChangeRequest[]> => {
    const { body } = await tools.api.get(`${here.path('ChangeRequest')}?fieldSelector=spec.component=${id}`)
    const edits = (body.items as ChangeRequest[]).filter(({ spec }) => spec.origin === 'Edit')
    return edits.sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
  }
  const phasesOf = async (id: string) => (await requestsOf(id)).map(({ status }) => status?.phase ?? 'Pending').sort()
  const phases = (id: string, ...expected: string[]) =>
    eventually(`expected edits of ${id} to be ${expected}`, async () => {
      const last = await phasesOf(id)
      return { found: String(last) === String([...expected].sort()) || undefined, last }
    })

  it('passes the gate as a request of who edited, and spec is left as it is', async () => {
    await here.commit(
      component('edits/a', { config: { n: 1 } }),
      component('edits/b', { references: refersTo('edits/a') }),
    )
    const before = await here.get('Component', 'edits.a')
    await edit('edits.a', { config: { n: 2, more: [1] }, project: 'p' })
    const after = await here.until('Component', 'edits.a', 'to be committed as edited', ({ status }) => {
      return status?.committed?.config?.n === 2
    })
    const [request] = await requestsOf('edits/a')
    assert.deepEqual(
      [after.status?.committed?.changeRequest, after.status?.committed?.project, after.metadata.generation],
      [request?.metadata.name, 'p', (before?.metadata.generation ?? 0) + 1],
    )
    assert.equal(request?.spec.requestedBy.username, 'edna')
    const { status } = await here.finished(request?.metadata.name ?? '')
    assert.deepEqual([status?.phase, status?.affectedComponents], ['Applied', ['edits/b']])
    await here.committed('edits.a')
    // It goes with its Component.
    const { body } = await tools.api.get(here.path('ChangeRequest', request?.metadata.name))
    assert.equal(body.metadata.ownerReferences[0].name, 'edits.a')
  })

  it('that a guard refuses stays in spec, and is tried again when its request is deleted', async () => {
    await here.commit(component('edits-guarded/a', { config: { size: 1 } }))
    await edit('edits-guarded.a', { config: { size: 20 } })
    await phases('edits-guarded/a', 'Rejected')
    const held = await here.until('Component', 'edits-guarded.a', 'to say so', ({ status }) => {
      return conditionOf(status, 'Stalled')?.status === 'True'
    })
    const said = conditionOf(held.status, 'Committed')
    assert.equal(said?.reason, 'GuardFailed')
    assert.match(
      said?.message ?? '',
      /ChangeRequest edits-guarded.a-[0-9a-f]{10} is Rejected: Component edits-guarded\/a: too large/,
    )
    assert.deepEqual([held.spec.config, held.status?.committed?.config], [{ size: 20 }, { size: 1 }])
    await here.patch('ComponentType', 'edits-guarded', { spec: { guards: [] } })
    const [request] = await requestsOf('edits-guarded/a')
    await here.remove('ChangeRequest', request?.metadata.name ?? '')
    await here.committed('edits-guarded.a')
    assert.deepEqual((await here.get('Component', 'edits-guarded.a'))?.status?.committed?.config, { size: 20 })
  })

  it('that waits is superseded by a newer one, and by being set back', async () => {
    await here.commit(
      component('edits/net'),
      component('edits/c', { config: { n: 1 }, references: refersTo('edits/net') }),
    )
    await edit('edits.c', { config: { url: `\${edits-net.url}` } })
    await phases('edits/c', 'Queued')
    await here.until('Component', 'edits.c', 'to say so', ({ status }) => {
      return conditionOf(status, 'Committed')?.reason === 'OutputsUnavailable'
    })
    await edit('edits.c', { config: { n: 2 } })
    await phases('edits/c', 'Queued', 'Superseded')
    const superseded = (await requestsOf('edits/c')).find(({ status }) => status?.phase === 'Superseded')
    assert.match(
      conditionOf(superseded?.status, 'Succeeded')?.message ?? '',
      /expected what this request asks for, found that it was edited again/,
    )
    await edit('edits.c', { config: { n: 1, url: null } })
    await phases('edits/c', 'Superseded', 'Superseded')
    await here.committed('edits.c')
  })

  it('beside a change of another field: both pass, each by its own request', async () => {
    await here.commit(component('edits-guarded/b', { config: { size: 1, n: 1 } }))
    await here.patch('ComponentType', 'edits-guarded', {
      spec: { guards: [{ name: 'small', expression: '!has(after.size) || after.size < 10' }] },
    })
    await edit('edits-guarded.b', { config: { size: 20 } })
    await phases('edits-guarded/b', 'Rejected')
    const other = await here.ask(
      changeRequest('beside-edit', { component: 'edits-guarded/b', proposedChange: { n: 2 } }),
    )
    assert.equal(other.status?.phase, 'Applied')
    const beside = await here.get('Component', 'edits-guarded.b')
    assert.deepEqual(beside?.status?.committed?.config, { size: 1, n: 2 })
    assert.deepEqual(beside?.spec.config, { size: 20, n: 2 })
    // What is committed is another state now, so the edit is another edit, and judged anew.
    await phases('edits-guarded/b', 'Rejected', 'Rejected')
  })

  it('of references is judged like any other: one that leads nowhere is refused', async () => {
    await here.commit(component('edits/d'))
    await edit('edits.d', { references: [{ name: 'x', component: 'edits/nowhere' }] })
    await phases('edits/d', 'Rejected')
    await here.until('Component', 'edits.d', 'to say so', ({ status }) => {
      return conditionOf(status, 'Committed')?.reason === 'MissingReference'
    })
  })

  it('that cannot be read is refused without a request', async () => {
    await here.commit(component('edits/e', { config: { n: 1 } }))
    await edit('edits.e', { config: JSON.parse('{"n": 1, "constructor": 1}') })
    await here.until('Component', 'edits.e', 'to say so', ({ status }) => {
      return conditionOf(status, 'Committed')?.reason === 'ReservedKey'
    })
    assert.deepEqual(await phasesOf('edits/e'), [])
    await edit('edits.e', { config: { constructor: null } })
    await here.committed('edits.e')
  })

  it('can be rolled back', async () => {
    await here.commit(component('edits/f', { config: { n: 1 } }))
    await edit('edits.f', { config: { n: 2 } })
    await phases('edits/f', 'Applied')
    const [request] = await requestsOf('edits/f')
    const { status } = await here.ask(changeRequest('undo-edit', { rollbackOf: request?.metadata.name ?? '' }))
    assert.equal(status?.phase, 'Applied')
    await here.committed('edits.f')
    assert.deepEqual((await here.get('Component', 'edits.f'))?.spec.config, { n: 1 })
    // The same edit once more is a new one.
    await edit('edits.f', { config: { n: 2 } })
    await phases('edits/f', 'Applied', 'Applied')
  })

  it('is asked for by Karma alone', async () => {
    const wantedHash = `sha256:${'0'.repeat(64)}`
    const forged = await here.tryCreate(changeRequest('forged', { component: 'edits/a', origin: 'Edit', wantedHash }))
    assert.equal(forged.status, 422)
    assert.match(
      forged.message,
      /spec.origin says that Karma asks for what somebody edited: expected it from Karma alone/,
    )
  })
})

describe('what is in Git', () => {
  let tools: Karma
  let here: Namespace
  /** once a second, as self-heal does */
  const healMs = 1_000
  const heals: { stop: () => Promise<void> }[] = []

  before(async () => {
    tools = karma()
    here = await openNamespace(tools.api, 'in-git')
  })
  afterEach(async () => {
    for (const heal of heals.splice(0)) await heal.stop()
  })

  /** Applies a manifest again and again, as Argo CD with self-heal does. */
  const heal = (name: string) => {
    let manifest: object = {}
    let rounds = 0
    let running = true
    const apply = async (): Promise<void> => {
      const answer = await tools.api.apply(here.path('Component', name), manifest, {}, 'argocd-controller')
      assert.ok(answer.status < 300, answer.message)
      rounds++
    }
    const loop = async (): Promise<void> => {
      while (running) {
        await sleep(healMs)
        if (running) await apply()
      }
    }
    let done: Promise<void> | undefined
    const stop = async (): Promise<void> => {
      running = false
      await done
    }
    heals.push({ stop })
    return {
      sync: async (next: object): Promise<void> => {
        manifest = next
        await apply()
        done ??= loop()
      },
      rounds: () => rounds,
    }
  }
  /** How often the object was written, by anybody, from now on for so many rounds of self-heal. */
  const writesDuring = async (name: string, argo: { rounds: () => number }, rounds: number): Promise<number> => {
    const before = await here.get('Component', name)
    const from = argo.rounds()
    await eventually('expected rounds of self-heal', async () => {
      await sleep(100)
      return { found: argo.rounds() >= from + rounds || undefined, last: argo.rounds() }
    })
    const after = await here.get('Component', name)
    return before?.metadata.resourceVersion === after?.metadata.resourceVersion ? 0 : 1
  }
  const manifest = (id: string, config: object): object => ({ ...component(id, { config: config as never }) })
  const committed = (name: string, n: number) =>
    here.until('Component', name, `n = ${n} to be committed`, ({ status }) => status?.committed?.config?.n === n)

  it('is changed in Git: an approved edit is committed, and neither side writes again', async () => {
    const argo = heal('argo.a')
    await argo.sync(manifest('argo/a', { n: 1 }))
    await committed('argo.a', 1)
    const from = karma().proxy.requests.length
    await argo.sync(manifest('argo/a', { n: 2 }))
    await committed('argo.a', 2)
    await here.committed('argo.a')
    assert.equal(await writesDuring('argo.a', argo, 2), 0)
    const wrote = karma()
      .proxy.requests.slice(from)
      .filter(({ verb, namespace }) => ['create', 'update', 'patch'].includes(verb) && namespace === 'in-git')
      .filter(({ resource }) => resource === 'components' || resource === 'changerequests')
      // That it differs may be told while it is committed: the server takes one, and refuses the other as too late.
      .filter(({ answered = 0 }) => answered < 300)
      .map(({ verb, resource, subresource = '' }) => `${verb} ${resource} ${subresource}`.trim())
    // Write-ahead and end of the request; `committed` of the Component, and that it differs, where there is time to tell.
    assert.ok(wrote.length >= 4 && wrote.length <= 5, wrote.join(', '))
    assert.deepEqual(
      wrote.filter((write) => write === 'patch components'),
      [],
    )
  })

  it('is not changed by a request, which says where; a field that Git does not know may be', async () => {
    const argo = heal('argo.b')
    await argo.sync(manifest('argo/b', { n: 1 }))
    await committed('argo.b', 1)
    await here.ask(changeRequest('git-field', { component: 'argo/b', proposedChange: { n: 5 } }))
    const { status } = (await here.get('ChangeRequest', 'git-field'))!
    const why = conditionOf(status, 'Succeeded')
    assert.deepEqual(
      [status?.phase, why?.reason, why?.message],
      [
        'Rejected',
        'FieldOwned',
        'Component argo/b: expected what no Git manager owns, found /n managed by argocd-controller; change it in Git',
      ],
    )
    const other = await here.ask(changeRequest('own-field', { component: 'argo/b', proposedChange: { mine: 1 } }))
    assert.equal(other.status?.phase, 'Applied')
    assert.equal(await writesDuring('argo.b', argo, 2), 0)
    assert.deepEqual((await here.get('Component', 'argo.b'))?.spec.config, { n: 1, mine: 1 })
    // What is in Git is not deleted by a request either.
    await here.ask(changeRequest('git-delete', { component: 'argo/b', operation: 'Delete' }))
    const deletion = (await here.get('ChangeRequest', 'git-delete'))?.status
    assert.equal(conditionOf(deletion, 'Succeeded')?.reason, 'FieldOwned')
  })

  it('that is refused stays refused, however often it is synced, until Git changes', async () => {
    await here.create(componentType('argo-strict', { guards: [{ name: 'small', expression: 'after.n < 10' }] }))
    const argo = heal('argo-strict.a')
    await argo.sync(manifest('argo-strict/a', { n: 1 }))
    await committed('argo-strict.a', 1)
    await argo.sync(manifest('argo-strict/a', { n: 20 }))
    await here.until('Component', 'argo-strict.a', 'to be refused', ({ status }) => {
      return conditionOf(status, 'Stalled')?.status === 'True'
    })
    assert.equal(await writesDuring('argo-strict.a', argo, 3), 0)
    assert.equal((await here.get('Component', 'argo-strict.a'))?.status?.committed?.config?.n, 1)
    await argo.sync(manifest('argo-strict/a', { n: 3 }))
    await committed('argo-strict.a', 3)
    await here.committed('argo-strict.a')
  })

  it('that waits is applied when what it waits for has come, with the newest of Git', async () => {
    await here.commit(component('argo/net'))
    const argo = heal('argo.c')
    const references = refersTo('argo/net')
    await argo.sync(component('argo/c', { config: { n: 1 }, references }))
    await committed('argo.c', 1)
    await argo.sync(component('argo/c', { config: { n: 2, url: `\${argo-net.url}` }, references }))
    await here.until('Component', 'argo.c', 'to wait', ({ status }) => {
      return conditionOf(status, 'Committed')?.reason === 'OutputsUnavailable'
    })
    assert.equal(await writesDuring('argo.c', argo, 2), 0)
    await argo.sync(component('argo/c', { config: { n: 3, url: `\${argo-net.url}` }, references }))
    await here.report('argo.net', { outputs: { url: 'x' } })
    await committed('argo.c', 3)
    await here.committed('argo.c')
  })

  it('is whatever the Environment says', async () => {
    await here.create(environment('flux', { gitManagers: ['flux'] }))
    const path = here.path('Component', 'argo.d')
    const one = component('argo/d', { environment: 'flux', config: { n: 1 } })
    assert.equal((await tools.api.apply(path, one, {}, 'flux')).status, 201)
    await here.committed('argo.d')
    await here.ask(changeRequest('by-flux', { component: 'argo/d', proposedChange: { n: 2 } }))
    const { status } = (await here.get('ChangeRequest', 'by-flux'))!
    assert.equal(conditionOf(status, 'Succeeded')?.reason, 'FieldOwned')
  })

  it('by kubectl apply: the manifest and the gate agree in the end', async () => {
    const file = (n: number) =>
      tools.file(
        `apiVersion: usekarma.dev/v1alpha1\nkind: Component\nmetadata: {name: argo.k, namespace: in-git}\nspec: {type: argo, nickname: k, environment: dev, config: {size: ${n}}}\n`,
      )
    const sized = (size: number) =>
      here.until('Component', 'argo.k', `size ${size}`, ({ status }) => status?.committed?.config?.size === size)
    await tools.kubectl('apply', '-f', file(1))
    await sized(1)
    await tools.kubectl('apply', '-f', file(2))
    await sized(2)
    const asked = await here.ask(changeRequest('beside-kubectl', { component: 'argo/k', proposedChange: { size: 3 } }))
    assert.equal(asked.status?.phase, 'Applied')
    assert.match(
      asked.status?.warnings?.[0] ?? '',
      /\/size managed by kubectl-client-side-apply: what is applied there next/,
    )
    await tools.kubectl('apply', '-f', file(2))
    await sized(2)
    await here.committed('argo.k')
  })
})
