import assert from 'node:assert/strict'
import { parse } from 'yaml'
import { failure } from '../../../operator/api/result.ts'
import { aChangeRequest, aComponent } from '../../support/builders.ts'
import { typed } from '../../support/command-line.ts'
import { fourVersions, onSite, typedGraph as run, site } from '../../support/graph-desk.ts'
import { type GraphWorld, ledgerOf, makeGraphWorld } from '../../support/graph-world.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

describe('kubectl karma graph: the past', () => {
  describe('simulate', () => {
    const wish = (spec: object) => ({
      'f.json': JSON.stringify({
        apiVersion: 'usekarma.dev/v1alpha1',
        kind: 'ChangeRequest',
        metadata: { name: 'try' },
        spec,
      }),
    })
    const larger = { files: wish({ component: 'site/main', proposedChange: { size: 9 } }) }
    const planOf = async (args: string[], world: GraphWorld, more: Parameters<typeof run>[2]) => {
      const { out, err, code } = await run(['simulate', '-f', 'f.json', '-o', 'json', ...args], world, more)
      assert.equal(err, '')
      return { code, ...JSON.parse(out).plans[0] }
    }

    it('without --at is what plan says', async () => {
      const world = await fourVersions()
      const { code, changes, graphVersions, affected } = await planOf([], world, larger)
      assert.equal(code, 0)
      assert.deepEqual([changes[0].fields, graphVersions], [[{ path: '/size', before: 2, after: 9 }], { 'dev/dev': 4 }])
      assert.deepEqual(affected.map(({ component }: { component: string }) => component).sort(), [
        'dns/main',
        'shop/main',
      ])
    })

    it('on an older version', async () => {
      const world = await fourVersions()
      const { code, changes, graphVersions, affected } = await planOf(['--at', '1'], world, larger)
      assert.equal(code, 0)
      assert.deepEqual([changes[0].fields, graphVersions], [[{ path: '/size', before: 1, after: 9 }], { 'dev/dev': 1 }])
      assert.deepEqual(
        affected.map(({ component }: { component: string }) => component),
        ['cdn/main', 'dns/main'],
      )
    })

    it('on the newest version is what plan says', async () => {
      const world = await fourVersions()
      assert.deepEqual(await planOf(['--at', '4'], world, larger), await planOf([], world, larger))
    })

    it('guards judge that version', async () => {
      const files = wish({ component: 'cdn/main', operation: 'Delete' })
      const { code, reason } = await planOf(['--at', '2'], await fourVersions(), { files })
      assert.deepEqual([code, reason], [2, 'OutputInUse'])
    })

    it('says when the ledger does not reach back, or cannot be read', async () => {
      const world = await fourVersions()
      // What stands in the objects themselves is told without a ledger.
      const component = world.components.get('dev/site/main')!
      world.components.set('dev/site/main', { ...component, status: { ...component.status, history: [] } })
      const short = ledgerOf(world.events.filter(({ attrs }) => Number(attrs.version) > 2))
      const { code, err } = await run(['simulate', '-f', 'f.json', '--at', '1'], world, { ...larger, ledger: short })
      assert.equal(code, 1)
      assert.match(
        err,
        /ledger: Component dev\/site\/main: expected an event component.committed of version 2.*\(HistoryIncomplete\)/,
      )
      const refused = await typed(['graph', 'simulate', '-f', 'f.json', '--at', '1'], {
        ...larger,
        session: {
          objects: makeMemoryObjects({ Environment: [{ ...world.environment(), faults: [] }] }).objects,
          operator: async () => failure({ reason: 'Unavailable', message: 'the ledger cannot be read', retry: true }),
        },
      })
      assert.deepEqual([refused.code, refused.err], [1, 'error: the ledger cannot be read (Unavailable)\n'])
    })
  })

  describe('rollback', () => {
    it('prints first the Components that are to be made again, where the request refers to them', async () => {
      const world = await fourVersions()
      const { code, out, err } = await run(['rollback', '1'], world)
      assert.equal(code, 2)
      assert.deepEqual(parse(out), {
        apiVersion: 'usekarma.dev/v1alpha1',
        kind: 'Component',
        metadata: { name: 'cdn.main', namespace: 'dev' },
        spec: { type: 'cdn', nickname: 'main', environment: 'dev', ...onSite },
      })
      assert.equal(
        err,
        [
          'warning: dns/main: project is other than at version 1, and no ChangeRequest changes that; edit the Component',
          '1 Component was deleted since version 1, to be created; ask again for the ChangeRequest, which refers to them, when they are committed',
          '',
        ].join('\n'),
      )
      // It was created, and has yet to pass the gate.
      world.components.set('dev/cdn/main', aComponent('cdn/main', { committed: false }))
      const coming = await run(['rollback', '1'], world)
      assert.deepEqual([coming.code, coming.out], [2, ''])
      assert.match(coming.err, /^not committed yet: cdn\/main; ask again for the ChangeRequest/m)
    })

    it('prints the set that leads back', async () => {
      const world = await fourVersions()
      await world.commit({ 'dev/cdn/main': onSite })
      const { code, out, err } = await run(['rollback', '1'], world)
      assert.equal(code, 0)
      assert.deepEqual(parse(out), {
        apiVersion: 'usekarma.dev/v1alpha1',
        kind: 'ChangeRequest',
        metadata: { name: 'restore-dev-v1-from-v5', namespace: 'dev' },
        spec: {
          changes: [
            {
              component: 'dns/main',
              proposedReferences: [
                { name: 'site', remove: true },
                { name: 'cdn', component: 'cdn/main', outputs: ['url'] },
              ],
            },
            { component: 'shop/main', operation: 'Delete' },
            { component: 'site/main', proposedChange: { size: 1 } },
          ],
          reason: 'environment dev as it was at version 1 (it is at 5)',
        },
      })
      assert.match(err, /^warning: dns\/main: project is other than at version 1, and no ChangeRequest changes that/)
    })

    it('as JSON: one object, or a List', async () => {
      const world = await fourVersions()
      assert.equal(JSON.parse((await run(['rollback', '3', '-o', 'json'], world)).out).kind, 'Component')
      await world.commit({ 'dev/site/main': site(7) })
      // The request refers to nothing that is to be made first.
      const said = await run(['rollback', '3', '-o', 'json'], world)
      const { kind, items } = JSON.parse(said.out)
      assert.deepEqual([said.code, kind, items.length], [0, 'List', 2])
    })

    it('is what plan and simulate take, and it may pass', async () => {
      const world = await fourVersions()
      await world.commit({ 'dev/cdn/main': onSite })
      const { out } = await run(['rollback', '2', '-o', 'yaml'], world)
      const { out: plans } = await run(['simulate', '-f', 'f.yaml', '-o', 'json'], world, { files: { 'f.yaml': out } })
      const [plan] = JSON.parse(plans).plans
      // A name reads an output that the CDN, which was just made, has yet to report.
      assert.deepEqual([plan.changeRequest, plan.reason], ['restore-dev-v2-from-v5', 'OutputsUnavailable'])
    })

    it('refuses what leads to something that it cannot bring back', async () => {
      const world = makeGraphWorld()
      const other = { references: [{ name: 'cdn', component: 'cdn/other' }] }
      await world.commit({ 'dev/site/main': other })
      await world.commit({ 'dev/site/main': site(1) })
      const { code, out, err } = await run(['rollback', '1'], world)
      assert.deepEqual([code, out], [1, ''])
      assert.match(
        err,
        /Component site\/main: expected Component cdn\/other to be there, to which reference cdn led at version 1, found that it was deleted; .*\(MissingReference\)/,
      )
    })

    it('has another name where that of an earlier try has ended, and the same where it has not', async () => {
      const world = await fourVersions()
      await world.commit({ 'dev/site/main': site(7) })
      const named = async (phase: 'Rejected' | 'Queued') => {
        const tries = [aChangeRequest({ name: 'restore-dev-v4-from-v5', status: { phase } })]
        return parse((await run(['rollback', '4'], world, { tries })).out).metadata.name
      }
      assert.deepEqual(
        [await named('Rejected'), await named('Queued')],
        ['restore-dev-v4-from-v5-2', 'restore-dev-v4-from-v5'],
      )
    })

    it('to what it is has nothing to do', async () => {
      const { code, out, err } = await run(['rollback', '4'], await fourVersions())
      assert.deepEqual([code, out], [0, ''])
      assert.match(err, /dev\/dev has the config and references of version 4: there is nothing to change/)
    })

    it('takes what is on its way to the ledger from the objects', async () => {
      const world = await fourVersions()
      const lagging = ledgerOf(world.events.filter(({ entity_id }) => entity_id !== 'dev/site/main'))
      const whole = await run(['rollback', '1'], world)
      assert.deepEqual(await run(['rollback', '1'], world, { ledger: lagging }), whole)
    })

    it('takes what was too large for an event from the request that did it', async () => {
      const world = makeGraphWorld()
      const text = 'x'.repeat(5_000)
      await world.commit({ 'dev/site/main': { config: { text } } })
      await world.commit({ 'dev/site/main': site(2) }, 'larger')
      assert.match(
        (await run(['rollback', '1'], world)).err,
        /too large to hold it, and no ChangeRequest that still keeps it/,
      )
      const before = JSON.stringify({ config: { text, size: null } })
      const images = [{ component: 'site/main', before, after: '{}' }]
      const { out } = await run(['rollback', '1'], world, { images })
      assert.deepEqual(parse(out).spec.changes, [
        { component: 'site/main', proposedChange: { text }, remove: ['/size'] },
      ])
    })

    it('does not need the graph of that version', async () => {
      assert.equal((await run(['rollback', '3'], await fourVersions(0))).code, 0)
    })

    it('refuses what has yet to come, and what graph and ledger say otherwise', async () => {
      const world = await fourVersions()
      assert.match(
        (await run(['rollback', '9'], world)).err,
        /Environment dev\/dev: expected a version from 0 to 4, found 9/,
      )
      const changed = makeGraphWorld()
      await changed.commit({ 'dev/site/main': site(1) })
      await changed.commit({ 'dev/site/main': site(2) })
      await changed.commit({ 'dev/site/main': site(3) })
      await changed.commit({ 'dev/site/main': site(4) })
      const { code, err } = await run(['rollback', '2'], { ...world, graph: changed.graph })
      assert.equal(code, 1)
      assert.match(err, /expected the graph of dev\/dev at version 2 and the ledger to agree, found that they differ/)
    })
  })
})
