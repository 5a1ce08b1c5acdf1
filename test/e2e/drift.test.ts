// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import type { Event } from '../../operator/api/envelope.ts'
import type { Component, JsonObject } from '../../operator/api/kinds.generated.ts'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType } from '../support/karma-objects.ts'

describe('drift', () => {
  let tools: Karma
  let here: Namespace

  before(async () => {
    tools = karma()
    here = await openNamespace(tools.api, 'drift')
  })

  /** Whole, in the place of what was reported before: a merge patch would leave keys that are not found any more. */
  const found = async (name: string, config: JsonObject, observedAt?: Date): Promise<void> => {
    const value = { config, ...(observedAt && { observedAt: observedAt.toISOString() }) }
    const patch = [{ op: 'add', path: '/status/runtime', value }]
    const reporter = { as: 'reporter', groups: ['system:authenticated'] }
    const answer = await tools.api.jsonPatch(`${here.path('Component', name)}/status`, patch, reporter)
    assert.equal(answer.status, 200, answer.message)
  }
  const drifted = (name: string, status: string, reason: string): Promise<Component> =>
    here.until('Component', name, `Drifted=${status}, ${reason}`, (it) => {
      const condition = conditionOf(it.status, 'Drifted')
      return condition?.status === status && condition.reason === reason
    })
  const saidOf = ({ status }: Component): string => conditionOf(status, 'Drifted')?.message ?? ''
  /** What the ledger tells of the Component, oldest first, once `last` is the newest. */
  const ledger = async (id: string, last: string): Promise<Event[]> => {
    const token = (await tools.kubectl('create', 'token', 'karma', '--namespace=karma-system')).trim()
    const url = `http://${karma().operator.http}/api/v1/log?namespace=drift&limit=1000`
    return eventually(`expected ${last} of ${id}`, async () => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      const { events } = (await answer.json()) as { events: Event[] }
      const told = events.filter(({ entity_id }) => entity_id === `drift/${id}`).reverse()
      return { found: told.at(-1)?.event_type === last ? told : undefined, last: told }
    })
  }
  const typesOf = (events: readonly Event[]): string[] =>
    events.map(({ event_type }) => event_type.replace('component.', ''))

  it('is nobody’s word without a report, nor from a state alone', async () => {
    await here.commit(component('disk/quiet', { config: { size: 1 } }))
    await here.report('disk.quiet', { runtime: { state: 'attached' } })
    await ledger('disk/quiet', 'component.observed')
    assert.equal(conditionOf((await here.get('Component', 'disk.quiet'))?.status, 'Drifted'), undefined)
  })

  it('begins, is told of once, and is over when the real thing is set right', async () => {
    await here.commit(component('disk/one', { config: { size: 1, tags: { team: 'net' } } }))
    await found('disk.one', { size: 1, tags: { team: 'net', cloud: 'x' }, region: 'eu' })
    await drifted('disk.one', 'False', 'AsCommitted')
    await found('disk.one', { size: 2, tags: {}, region: 'eu' })
    const one = await drifted('disk.one', 'True', 'ConfigDiffers')
    assert.equal(
      saidOf(one),
      'Component disk/one: status.runtime.config is not as committed in version ' +
        `${one.status?.committed?.graphVersion}: /size: expected 1, found 2; /tags/team: expected "net", found nothing; ` +
        'set it right, or ask for what was found with a ChangeRequest',
    )
    assert.equal(conditionOf(one.status, 'Drifted')?.observedGeneration, one.metadata.generation)
    assert.equal(conditionOf(one.status, 'Ready')?.status, 'True')
    assert.equal((await here.told('disk.one', 'ConfigDiffers', 'Warning')).note, saidOf(one))
    const shown = await tools.kubectl('get', 'kcomp', 'disk.one', '--namespace=drift', '--output=wide')
    assert.match(shown, /DRIFTED\n.* True\n$/)
    await found('disk.one', { size: 3, tags: {} })
    await here.until('Component', 'disk.one', 'another size', (it) => saidOf(it).includes('/size: expected 1, found 3'))
    await found('disk.one', { size: 1, tags: { team: 'net' } })
    await drifted('disk.one', 'False', 'AsCommitted')
    await here.told('disk.one', 'AsCommitted', 'Normal')
    const events = await ledger('disk/one', 'component.converged')
    assert.deepEqual(typesOf(events), [
      'committed',
      'observed',
      'observed',
      'drifted',
      'observed',
      'observed',
      'converged',
    ])
    assert.deepEqual(events[3]?.attrs.differs, ['/size', '/tags/team'])
  })

  it('is over when what was found is asked for', async () => {
    await here.commit(component('disk/two', { config: { size: 1 } }))
    await found('disk.two', { size: 2 })
    await drifted('disk.two', 'True', 'ConfigDiffers')
    const { status } = await here.ask(changeRequest('as-found', { component: 'disk/two', proposedChange: { size: 2 } }))
    assert.equal(status?.phase, 'Applied')
    await drifted('disk.two', 'False', 'AsCommitted')
    const events = await ledger('disk/two', 'component.converged')
    assert.deepEqual(typesOf(events), ['committed', 'observed', 'drifted', 'committed', 'converged'])
  })

  it('is unknown after a change until somebody has looked again', async () => {
    await here.commit(component('disk/three', { config: { size: 1 } }))
    await found('disk.three', { size: 1 }, new Date(Date.now() - 60_000))
    await drifted('disk.three', 'False', 'AsCommitted')
    await here.ask(changeRequest('grow', { component: 'disk/three', proposedChange: { size: 2 } }))
    assert.match(saidOf(await drifted('disk.three', 'Unknown', 'Outdated')), /^status.runtime was observed at .* newer/)
    await found('disk.three', { size: 1 }, new Date(Date.now() + 60_000))
    await drifted('disk.three', 'True', 'ConfigDiffers')
    await found('disk.three', { size: 2 }, new Date(Date.now() + 61_000))
    await drifted('disk.three', 'False', 'AsCommitted')
  })

  it('measures a placeholder by the output, as soon as it is known', async () => {
    await here.commit(componentType('drift-db', { outputs: [{ name: 'host' }, { name: 'key' }] }))
    await here.commit(component('drift-db/main'))
    await here.report('drift-db.main', { outputs: { host: 'a.example', key: 'k' } })
    const references = [{ name: 'db', component: 'drift-db/main' }]
    await here.commit(component('web/one', { config: { url: 'https://${db.host}' }, references }))
    await found('web.one', { url: 'https://a.example' })
    await drifted('web.one', 'False', 'AsCommitted')
    await here.report('drift-db.main', { outputs: { host: 'b.example', key: 'k' } })
    assert.match(saidOf(await drifted('web.one', 'True', 'ConfigDiffers')), /"https:\/\/b.example", found "https:\/\/a/)
    await here.report('drift-db.main', { outputs: { host: null, key: 'k' } })
    await drifted('web.one', 'False', 'AsCommitted')
  })

  it('says no word of a secret, from the moment it is one', async () => {
    await here.commit(componentType('drift-vault', { outputs: [{ name: 'key' }] }))
    await here.commit(component('drift-vault/main'))
    await here.report('drift-vault.main', { outputs: { key: 'hush-1' } })
    const references = [{ name: 'vault', component: 'drift-vault/main' }]
    await here.commit(component('web/two', { config: { key: '${vault.key}' }, references }))
    await found('web.two', { key: 'other' })
    assert.match(saidOf(await drifted('web.two', 'True', 'ConfigDiffers')), /expected "hush-1", found "other"/)
    await here.patch('ComponentType', 'drift-vault', { spec: { outputs: [{ name: 'key', sensitive: true }] } })
    await here.until('Component', 'web.two', 'the secret to be hidden', (it) =>
      saidOf(it).includes('/key: expected "${vault.key}", found another value'),
    )

    await here.commit(component('web/three', { config: { key: '${vault.key}' }, references }))
    await found('web.three', { key: 'hush-2' })
    await drifted('web.three', 'True', 'ConfigDiffers')
    const { note } = await here.told('web.three', 'ConfigDiffers')
    const story = await ledger('web/three', 'component.drifted')
    assert.doesNotMatch(JSON.stringify([note, story]), /hush/)
    assert.doesNotMatch(JSON.stringify((await here.get('Component', 'web.three'))?.status?.conditions), /hush/)
  })

  it('is unknown when a report cannot be read whole', async () => {
    await here.commit(component('disk/odd', { config: { size: 1 } }))
    await found('disk.odd', { size: 1, serial: 2 ** 60 })
    assert.match(saidOf(await drifted('disk.odd', 'Unknown', 'UnsafeInteger')), /status.runtime.config.serial/)
  })

  it('goes with the report', async () => {
    await here.commit(component('disk/gone', { config: { size: 1 } }))
    await found('disk.gone', { size: 2 })
    await drifted('disk.gone', 'True', 'ConfigDiffers')
    await here.report('disk.gone', { runtime: null as never })
    const gone = ({ status }: Component): boolean => conditionOf(status, 'Drifted') === undefined
    assert.ok(conditionOf((await here.until('Component', 'disk.gone', 'no Drifted', gone)).status, 'Ready'))
  })
})
