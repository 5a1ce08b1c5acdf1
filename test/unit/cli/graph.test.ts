import assert from 'node:assert/strict'
import { parse } from 'yaml'
import type { Ledger } from '../../../operator/ports/ledger.ts'
import { typed } from '../../support/command-line.ts'
import { fourVersions, typedGraph as run, site } from '../../support/graph-desk.ts'
import { ledgerOf, minuteOf } from '../../support/graph-world.ts'

const away: Pick<Ledger, 'query'> = { query: () => Promise.reject(new Error('the ledger is away')) }

describe('kubectl karma graph', () => {
  it('says how it is used', async () => {
    const { out } = await typed(['graph', '--help'])
    for (const verb of ['show', 'impact', 'diff', 'versions', 'simulate', 'rollback'])
      assert.match(out, new RegExp(`^  ${verb} `, 'm'))
    assert.match(
      (await typed(['graph', 'diff', '--help'])).out,
      /Exit code: 0 there is no difference, 2 there are some, 1 it cannot be told/,
    )
  })

  describe('which environment', () => {
    it('is the only one, or has to be said', async () => {
      const world = await fourVersions()
      const { code, err } = await run(['show'], world, { others: ['prod'] })
      assert.equal(code, 1)
      assert.match(
        err,
        /--environment: expected an Environment of namespace dev, found dev, prod; say which \(NotFound\)/,
      )
      assert.equal((await run(['show', '--environment', 'dev'], world, { others: ['prod'] })).code, 0)
      assert.match(
        (await run(['versions', '--environment', 'test'], world)).err,
        /expected an Environment of namespace dev, found "test"; there are: dev/,
      )
      assert.match((await typed(['graph', 'show'])).err, /namespace dev, found none \(NotFound\)/)
    })
  })

  describe('show', () => {
    it('lists Components and references', async () => {
      const { code, out, err } = await run(['show'], await fourVersions())
      assert.deepEqual([code, err], [0, 'dev/dev at version 4, the newest (read in the operator)\n'])
      assert.equal(
        out,
        [
          'COMPONENT   SINCE   CHANGE   REFERENCES',
          'dns/main    3       shop     site -> site/main',
          'shop/main   3       shop     site -> site/main',
          'site/main   2       larger   -',
          '',
        ].join('\n'),
      )
    })

    it('at an older version, as JSON', async () => {
      const { out, err } = await run(['show', '--at', 'v1', '-o', 'json'], await fourVersions())
      assert.equal(err, 'dev/dev at version 1; the newest is 4 (read in the operator)\n')
      const { environment, version, from, components } = JSON.parse(out)
      assert.deepEqual([environment, version, from], ['dev/dev', 1, 'Process'])
      assert.deepEqual(components[1], {
        component: 'dns/main',
        type: 'dns',
        since: { version: 1, change: 'dns/main' },
        references: [{ name: 'cdn', component: 'cdn/main', outputs: ['url'] }],
      })
    })

    it('does not say since when where nobody knows', async () => {
      const { out } = await run(['show', '--at', '2'], await fourVersions(2), { ledger: away })
      assert.match(out, /^site\/main +2 +larger /m)
      assert.match(out, /^dns\/main +- +- +cdn -> cdn\/main \[url\]$/m)
    })

    it('as a drawing', async () => {
      const { out } = await run(['show', '-o', 'dot'], await fourVersions())
      assert.match(out, /^digraph "dev\/dev at version 4: 3 Components" \{$/m)
      assert.match(out, /^ {2}"dns\/main" -> "site\/main" \[label="site"\];$/m)
    })

    it('says which versions are held, and why another cannot be told', async () => {
      const { code, err } = await run(['show', '--at', '1'], await fourVersions(1), { ledger: away })
      assert.equal(code, 1)
      assert.match(
        err,
        /version 1: .*; versions that are held: 3 to 4; nor can it be worked out: the ledger is away \(VersionUnknown\)/,
      )
      assert.match((await run(['show', '--at', '5'], await fourVersions(1))).err, /version 5: .* held: 3 to 4 \(/)
      assert.match(
        (await run(['show', '--at', 'yesterday'], await fourVersions())).err,
        /--at: expected a version, .*"yesterday"/,
      )
    })

    it('says when the operator’s graph is behind', async () => {
      const world = await fourVersions()
      const ahead = { ...world, environment: () => ({ ...world.environment(), status: { version: 6 } }) }
      assert.match(
        (await run(['show'], ahead)).err,
        /warning: the operator’s graph of dev\/dev is at version 4, and the environment at 6/,
      )
    })
  })

  describe('impact', () => {
    it('as it was', async () => {
      const world = await fourVersions()
      const { out } = await run(['impact', 'site/main', '--at', '1', '-o', 'wide'], world)
      assert.equal(
        out,
        [
          'DISTANCE   COMPONENT   ENV   PATH',
          '1          cdn/main    dev   site/main <-site- cdn/main',
          '2          dns/main    dev   site/main <-site- cdn/main <-cdn- dns/main',
          '',
        ].join('\n'),
      )
      const now = parse((await run(['impact', 'site/main', '-o', 'yaml'], world)).out)
      assert.deepEqual([now.environment, now.version, now.affectedCount], ['dev/dev', 4, 2])
    })

    it('of one that was not there is an error', async () => {
      const { code, err } = await run(['impact', 'shop/main', '--at', '2'], await fourVersions())
      assert.equal(code, 1)
      assert.match(
        err,
        /Component dev\/shop\/main: expected one that is committed in dev\/dev at version 2, found none of that name/,
      )
    })
  })

  describe('versions', () => {
    it('newest first, with who decided them', async () => {
      const { code, out } = await run(['versions'], await fourVersions())
      assert.equal(code, 0)
      assert.match(out, /^VERSION {3}AT +SUM +CHANGE$/m)
      assert.match(out, new RegExp(`^4 +${minuteOf(4)} +[0-9a-f]{16} +no-cdn$`, 'm'))
      assert.match(out, new RegExp(`^2 +${minuteOf(2)} +[0-9a-f]{16} +larger$`, 'm'))
      assert.match(out, /^1 .* cdn\/main, dns\/main, site\/main$/m)
    })

    it('those that are gone by their uid where the ledger is away', async () => {
      const { out } = await run(['versions'], await fourVersions(), { ledger: away })
      assert.match(out, /^4 .* uid-no-cdn$/m)
      assert.match(out, /^1 .* dev\/cdn\/main 1, dns\/main, site\/main$/m)
    })

    for (const limit of ['0', '1001', 'all', '-1']) {
      it(`not ${limit} of them`, async () => {
        const { code, err } = await run(['versions', `--limit=${limit}`], await fourVersions())
        assert.equal(code, 1)
        assert.match(err, new RegExp(`--limit: expected a whole number from 1 to 1000, found "${limit}"`))
      })
    }

    it('as JSON', async () => {
      const { out, err } = await run(['versions', '--limit', '1', '-o', 'json'], await fourVersions())
      assert.match(err, /only 1 version is shown; --limit N shows more/)
      const { head, versions } = JSON.parse(out)
      assert.equal(head.version, 4)
      assert.deepEqual([versions[0].version, versions[0].changes], [4, [{ uid: 'uid-no-cdn', name: 'no-cdn' }]])
    })
  })

  describe('versions that are not held any more', () => {
    const asked = [
      ...['1', '2', '3', '4'].map((version) => ['show', '--at', version, '-o', 'yaml']),
      ...['0', '1', '2'].flatMap((from) => [
        ['diff', from, '3', '-o', 'json'],
        ['diff', from, '4'],
        ['diff', from, '-o', 'dot'],
      ]),
      ...['3m', '5m', '24h'].map((since) => ['diff', '--since', since]),
      ['impact', 'site/main', '--at', '1', '-o', 'wide'],
      ['impact', 'site/main', '--at', '2', '-o', 'json'],
      ['versions', '--limit', '3', '-o', 'json'],
      ['versions', '-o', 'json'],
    ]
    /** Where it was read is another, and sums are of what is held. */
    const same = (text: string): string =>
      text
        .replaceAll(/Process|Ledger/g, 'somewhere')
        .replaceAll(/^ *"(epoch|sum)": .*\n/gm, '')
        .replaceAll(/^ *(epoch|sum): .*\n/gm, '')

    for (const args of asked) {
      it(`${args.join(' ')} says the same from the ledger`, async () => {
        const [held, told] = [await run(args, await fourVersions()), await run(args, await fourVersions(0))]
        assert.deepEqual([told.code, same(told.out)], [held.code, same(held.out)])
        assert.equal(told.err, held.err.replace('(read in the operator)', readIn(args)))
      })
    }
    const readIn = (args: readonly string[]): string =>
      args.includes('4') ? '(read in the operator)' : '(read in the ledger, as it is not held any more)'

    it('has no sum of them', async () => {
      const { out } = await run(['versions'], await fourVersions(1))
      assert.match(out, new RegExp(`^2 +${minuteOf(2)} +- +larger$`, 'm'))
      assert.match(out, /^3 .* [0-9a-f]{16} +shop$/m)
    })

    it('is by whom it was decided and when, also where the store was set right under it since', async () => {
      const world = await fourVersions(1)
      const published = world.events.find(
        ({ event_type, attrs }) => event_type === 'graph.published' && attrs.version === 2,
      )!
      // Versions by which nothing changed but the store have no author.
      world.events.push({ ...published, id: 'later', event_type: 'graph.repaired', ts: minuteOf(9) })
      const { out } = await run(['versions'], world)
      assert.match(out, new RegExp(`^2 +${minuteOf(2)} +- +larger$`, 'm'))
    })

    it('says that there are more when a higher limit shows them', async () => {
      const world = await fourVersions(1)
      const of = async (limit: number, events = world.events) =>
        (await run(['versions', '--limit', `${limit}`], world, { ledger: ledgerOf(events) })).err
      assert.match(await of(3), /only 3 versions are shown/)
      assert.equal(await of(4), '')
      const began = world.events.filter(({ attrs }) => Number(attrs.version) > 1)
      assert.equal(await of(4, began), '')
    })

    it('shows those that are held, and says why not the others', async () => {
      const { code, out, err } = await run(['versions'], await fourVersions(1), { ledger: away })
      assert.deepEqual([code, err], [0, 'warning: versions before 3 are not shown: the ledger is away\n'])
      assert.deepEqual(out.match(/^\d/gm), ['4', '3'])
    })
  })

  describe('diff', () => {
    it('lists what is other, and by which change', async () => {
      const { code, out, err } = await run(['diff', '1', '4'], await fourVersions())
      assert.deepEqual([code, err], [2, 'dev/dev from version 1 to 4: 8 differences\n'])
      const [two, three, four] = [2, 3, 4].map(minuteOf)
      assert.equal(
        out,
        [
          'DIFF   COMPONENT   REFERENCE               VERSION   AT                         CHANGE',
          `-      cdn/main    -                       4         ${four}   no-cdn`,
          `-      cdn/main    site -> site/main       4         ${four}   no-cdn`,
          `~      dns/main    -                       3         ${three}   shop`,
          `-      dns/main    cdn -> cdn/main [url]   3         ${three}   shop`,
          `+      dns/main    site -> site/main       3         ${three}   shop`,
          `+      shop/main   -                       3         ${three}   shop`,
          `+      shop/main   site -> site/main       3         ${three}   shop`,
          `~      site/main   -                       2         ${two}   larger`,
          '',
        ].join('\n'),
      )
    })

    it('is 0 when what was changed is what it was, as far as the ledger tells', async () => {
      const world = await fourVersions()
      await world.commit({ 'dev/site/main': site(3) }, 'larger')
      await world.commit({ 'dev/site/main': site(2) }, 'restore')
      const { code, err } = await run(['diff', '4', '6'], world)
      assert.deepEqual([code, err], [0, 'dev/dev from version 4 to 6: 0 differences\n'])
      assert.equal((await run(['diff', '4', '5'], world)).code, 2)
      assert.equal((await run(['diff', '4', '6'], world, { ledger: away })).code, 2)
    })

    it('names of those that decided a version together the one that wrote it, also where that is gone', async () => {
      const { out } = await run(['diff', '0', '2'], await fourVersions())
      assert.match(out, /^\+ +cdn\/main +- +1 +\S+ +cdn\/main$/m)
    })

    it('is 0 when there is none', async () => {
      const { code, out, err } = await run(['diff', '4'], await fourVersions())
      assert.deepEqual([code, out, err], [0, '', 'dev/dev from version 4 to 4: 0 differences\n'])
    })

    it('since a time', async () => {
      const world = await fourVersions()
      // Version 4 is of this minute, version 3 of the one before.
      const { out } = await run(['diff', '--since', '90s', '-o', 'json'], world)
      const { from, to, differences } = JSON.parse(out)
      assert.deepEqual([from, to, differences.length], [2, 4, 7])
      assert.deepEqual(differences[0], {
        mark: 'removed',
        component: 'cdn/main',
        version: 4,
        at: minuteOf(4),
        changes: [{ uid: 'uid-no-cdn', name: 'no-cdn' }],
      })
      assert.equal(JSON.parse((await run(['diff', '--since', '24h', '-o', 'json'], world)).out).from, 0)
    })

    it('says when what was there then is not known', async () => {
      const { out, err } = await run(['diff', '--since', '24h', '-o', 'json'], await fourVersions(1), { ledger: away })
      assert.equal(JSON.parse(out).from, 3)
      assert.match(err, /warning: not whole: no version before 3 is known/)
    })

    it('draws what came and went', async () => {
      const { out, code } = await run(['diff', '2', '4', '-o', 'dot'], await fourVersions())
      assert.equal(code, 2)
      for (const line of [
        '"cdn/main" [color=red style=dashed];',
        '"shop/main" [color=green];',
        '"dns/main" -> "cdn/main" [label="cdn" color=red style=dashed];',
        '"dns/main" -> "site/main" [label="site" color=green];',
      ])
        assert.ok(out.includes(`  ${line}\n`), `${line}\n${out}`)
      const drawn = await run(['diff', '2', '4', '-o', 'mermaid'], await fourVersions())
      assert.match(drawn.out, /linkStyle \d stroke:red,stroke-dasharray:5/)
    })
  })
})
