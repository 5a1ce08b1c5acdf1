import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangeRequest } from '../../operator/api/kinds.generated.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, environment } from '../support/karma-objects.ts'

/**
 * A reference into another environment is added while its target, or what it needs of it, is taken away. Many pairs at
 * once, so that both environments are busy: one of both passes, never the other.
 */
describe('references into other environments: added while what they lead to is taken away', function () {
  this.timeout(120_000)
  const pairs = 10
  let here: Namespace
  let there: Namespace
  let random: () => number

  before(async () => {
    const { api } = karma()
    here = await openNamespace(api, 'race')
    there = await openNamespace(api, 'race-there')
    await here.create(componentType('race-bucket', { outputs: [{ name: 'arn', from: ['/name'] }] }))
    for (const one of [here, there]) for (const name of ['a', 'b']) await one.create(environment(name, {}))
    let seed = Number(process.env.SEED ?? Date.now() % 100_000)
    console.log(`      SEED=${seed}`)
    random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
  })

  const each = async (what: string, act: (i: number) => Promise<'referred' | 'taken'>): Promise<void> => {
    const outcomes = await Promise.all(Array.from({ length: pairs }, (_, i) => act(i)))
    const referred = outcomes.filter((outcome) => outcome === 'referred').length
    console.log(`      ${what}: ${referred} referred, ${pairs - referred} taken away`)
  }
  /** Both begin within the time that a change takes, in either order. */
  const atOnce = async (refer: () => Promise<unknown>, take: () => Promise<unknown>): Promise<void> => {
    const within = (ms: number, act: () => Promise<unknown>): Promise<unknown> => sleep(random() * ms).then(act)
    // Who refers has to look further, and would else come later only by chance.
    await Promise.all([within(150, refer), within(75, take)])
  }

  const outcomeOf = async (refer: string, take: string): Promise<'referred' | 'taken'> => {
    const [one, other] = [await here.finished(refer), await here.finished(take)]
    const found = [one, other].map(({ status }) => `${status?.phase} ${conditionOf(status, 'Succeeded')?.message}`)
    const applied = [one, other].filter(({ status }) => status?.phase === 'Applied')
    assert.equal(applied.length, 1, `expected one of both to be Applied, found ${found.join(' and ')}`)
    return applied[0] === one ? 'referred' : 'taken'
  }

  /** What is taken away already may be referred to: that is seen, and nothing forbids it. The other way round something does. */
  const orderOf = async (refer: string, take: string): Promise<'referred' | 'taken'> => {
    const [one, other] = [await here.finished(refer), await here.finished(take)]
    assert.equal(one.status?.phase, 'Applied')
    if (other.status?.phase !== 'Applied') return 'referred'
    const at = ({ status }: ChangeRequest, type: string): number =>
      Date.parse(status?.history?.findLast((entry) => entry.type === type)?.at ?? '')
    const [begun, gone] = [at(one, 'change.applying'), at(other, 'change.applied')]
    assert.ok(gone <= begun, `expected ${take} to be applied before ${refer} began, found it ${gone - begun} ms later`)
    return 'taken'
  }

  it('by requests, of which one deletes it', async () => {
    await each('deleted', async (i) => {
      const [x, c] = [`net/x${i}`, `app/c${i}`]
      await here.commit(component(x, { environment: 'a' }), component(c, { environment: 'b' }))
      await atOnce(
        () =>
          here.create(changeRequest(`refer-${i}`, { component: c, proposedReferences: [{ name: 'x', component: x }] })),
        () => here.create(changeRequest(`delete-${i}`, { component: x, operation: 'Delete' })),
      )
      return outcomeOf(`refer-${i}`, `delete-${i}`)
    })
  })

  it('by requests, of which one takes its output away', async () => {
    await each('output', async (i) => {
      const [x, c] = [`race-bucket/y${i}`, `app/d${i}`]
      await here.commit(component(x, { environment: 'a', config: { name: 'n' } }), component(c, { environment: 'b' }))
      await here.report(`race-bucket.y${i}`, { outputs: { arn: 'arn' } })
      await here.until('Component', `race-bucket.y${i}`, 'its output', ({ status }) => status?.outputs !== undefined)
      const reference = { name: 'y', component: x, outputs: ['arn'] }
      await atOnce(
        () => here.create(changeRequest(`read-${i}`, { component: c, proposedReferences: [reference] })),
        () => here.create(changeRequest(`drop-${i}`, { component: x, remove: ['/name'] })),
      )
      return orderOf(`read-${i}`, `drop-${i}`)
    })
  })

  it('by Components that come and go', async () => {
    await each('come and go', async (i) => {
      const [x, c] = [`net/z${i}`, `app/e${i}`]
      await here.commit(component(x, { environment: 'a' }))
      const references = [{ name: 'z', component: x }]
      await atOnce(
        () => here.create(component(c, { environment: 'b', references })),
        // Refused when a dependent is known already.
        () => karma().api.remove(here.path('Component', `net.z${i}`)),
      )
      return eventually(
        `expected app/e${i} to be committed, or to be held back by net/z${i} that is gone`,
        async () => {
          const [to, from] = [await here.get('Component', `net.z${i}`), await here.get('Component', `app.e${i}`)]
          const isReferred = from?.status?.committed !== undefined
          assert.ok(!isReferred || to?.status?.committed, `app/e${i} refers to net/z${i}, which is gone`)
          const isHeld = conditionOf(from?.status, 'Committed')?.status === 'False'
          return { found: isReferred ? ('referred' as const) : !to && isHeld ? ('taken' as const) : undefined }
        },
      )
    })
  })

  it('by an edit that shuts the namespace out, and a Component of that namespace', async () => {
    await each('shut out', async (i) => {
      const x = `net/w${i}`
      await here.commit(component(x, { environment: 'a', allowedNamespaces: [there.name] }))
      const references = [{ name: 'w', component: `${here.name}/${x}` }]
      await atOnce(
        () => there.create(component(`app/f${i}`, { environment: 'b', references })),
        () => here.patch('Component', `net.w${i}`, { spec: { allowedNamespaces: null } }),
      )
      return eventually(`expected app/f${i} to be committed or held back`, async () => {
        const [to, from] = [await here.get('Component', `net.w${i}`), await there.get('Component', `app.f${i}`)]
        const isReferred = from?.status?.committed !== undefined
        const isShut = !to?.status?.committed?.allowedNamespaces?.includes(there.name)
        assert.ok(!isReferred || !isShut, `app/f${i} refers to net/w${i}, which has shut it out`)
        return { found: isReferred ? ('referred' as const) : isShut ? ('taken' as const) : undefined }
      })
    })
  })

  it('nothing refers to what is gone, or may not', async () => {
    const { body } = await karma().api.get('/apis/usekarma.dev/v1alpha1/components')
    const components = body.items as NonNullable<Awaited<ReturnType<typeof here.get<'Component'>>>>[]
    const known = new Map<string, (typeof components)[number]>(
      components.map((one) => [`${one.metadata.namespace}/${one.spec.type}/${one.spec.nickname}`, one] as const),
    )
    const ours = components.filter(({ metadata }) => [here.name, there.name].includes(metadata.namespace ?? ''))
    let references = 0
    for (const { metadata, status } of ours) {
      for (const { component: to } of status?.committed?.references ?? []) {
        references++
        const id = to.split('/').length === 3 ? to : `${metadata.namespace}/${to}`
        const committed = known.get(id)?.status?.committed
        assert.ok(committed, `${metadata.name} refers to ${id}, which is gone`)
        const isAllowed = id.startsWith(`${metadata.namespace}/`) || committed.allowedNamespaces?.includes(there.name)
        assert.ok(isAllowed, `${metadata.name} refers to ${id}, which does not let it`)
      }
    }
    assert.ok(references > 0, 'expected that some were let through')
  })
})
