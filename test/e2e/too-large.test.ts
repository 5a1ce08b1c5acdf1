import assert from 'node:assert/strict'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, type Manifest } from '../support/karma-objects.ts'
import { type ApiProxy, statusAnswer } from '../support/proxy.ts'

const answers = [
  [413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728'],
  [500, 'InternalError', 'etcdserver: request is too large'],
  [500, 'InternalError', 'rpc error: code = ResourceExhausted desc = trying to send message larger than max'],
] as const

describe('a write that is too large for the API server', () => {
  let here: Namespace
  let proxy: ApiProxy

  before(async () => {
    ;({ proxy } = karma())
    here = await openNamespace(karma().api, 'too-large')
    await here.commit(component('large-host/one', { config: { a: 1 } }))
  })

  for (const [i, [code, reason, text]] of answers.entries()) {
    it(`ends the change, and is not tried again: ${code} ${text}`, async () => {
      const name = `too-large-${i}`
      const before = await here.snapshot()
      let writes = 0
      const off = proxy.onRequest(({ resource, name: object, subresource, body }) => {
        const isWriteAhead =
          resource === 'changerequests' && object === name && subresource === 'status' && body.includes('writeAhead')
        if (!isWriteAhead) return undefined
        writes++
        return statusAnswer(code, reason, text)
      })
      const { status } = await here.ask(changeRequest(name, { component: 'large-host/one', proposedChange: { a: 2 } }))
      const said = conditionOf(status, 'Succeeded')
      assert.deepEqual(
        [status?.phase, said?.reason, said?.message],
        ['Rejected', 'TooLarge', `ChangeRequest ${name}: ${text}`],
      )
      assert.equal((await here.told(name, 'TooLarge')).note, said?.message)
      assert.equal(status?.writeAhead, undefined)
      // Whatever comes next in this environment passes: nothing was left half done.
      const next = await here.ask(changeRequest(`next-${i}`, { component: 'large-host/one', proposedChange: { b: i } }))
      assert.equal(next.status?.phase, 'Applied')
      assert.deepEqual((await here.get('Component', 'large-host.one'))?.spec.config, { a: 1, b: i })
      assert.equal((await here.snapshot()).environments.dev, (before.environments.dev ?? 0) + 1)
      assert.equal(writes, 1)
      off()
    })
  }

  /** Creates one that the API server just takes, with room for its bookkeeping and for nothing else. */
  const createLargest = async (make: (blob: string) => Manifest): Promise<void> => {
    const blob = 'x'.repeat(1.5 * 2 ** 20 - 1_250)
    const { status, message } = await here.tryCreate(make(blob))
    assert.equal(status, 201, message)
  }

  /** Karma gives up, and lets go of it: with its finalizer the API server could not even take its deletion. */
  const isLetGo = async (kind: 'ChangeRequest' | 'Component', name: string): Promise<void> => {
    const { note } = await here.told(name, 'TooLarge')
    const expected = `${kind} ${name}: expected room for status beside spec, found that the API server takes no more`
    assert.equal(note.slice(0, expected.length), expected)
    await here.until(kind, name, 'no finalizer', ({ metadata }) => metadata.finalizers === undefined)
    await here.remove(kind, name)
    await here.gone(kind, name)
    const writes = proxy.requests.filter(
      (request) => request.name === name && ['patch', 'update'].includes(request.verb),
    )
    assert.ok(writes.length <= 3, `expected status, finalizer, and status for the last time, found ${writes.length}`)
  }

  it('is told by an Event, when not even that fits into the object: a ChangeRequest', async () => {
    await createLargest((blob) => changeRequest('largest', { component: 'large-host/one', proposedChange: { blob } }))
    await isLetGo('ChangeRequest', 'largest')
  })

  it('is told by an Event, when not even that fits into the object: a Component', async () => {
    await createLargest((blob) => component('large-host/largest', { config: { blob } }))
    await isLetGo('Component', 'large-host.largest')
  })
})
