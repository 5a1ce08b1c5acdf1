import { installKarma, type Karma, type Operator } from './installed-karma.ts'
import { type ApiProxy, startProxy } from './proxy.ts'
import { assertToldAsDeclared } from './told.ts'

interface Shared extends Karma {
  readonly operator: Operator
  /** stands between the operator and the API server */
  readonly proxy: ApiProxy
}
let shared: Shared | undefined

// A test file that imports this gets, once per run of mocha, one control plane with one operator for all its files.
// The hooks belong to the root suite, because an import at the top of a file runs outside every describe.
before('start the shared control plane and operator', async function () {
  // The first run on a machine builds the programs.
  this.timeout(20 * 60_000)
  const karma = await installKarma()
  const { url, ca } = karma.controlPlane
  const proxy = await startProxy({ target: url, ca })
  try {
    shared = { ...karma, proxy, operator: await karma.startOperator({ server: proxy.url }) }
  } catch (cause) {
    await karma.stop()
    await proxy.stop()
    throw cause
  }
})

after('stop the shared operator and control plane', async function () {
  this.timeout(60_000)
  if (!shared) return
  const { operator, proxy, stop } = shared
  const alive = operator.process.alive()
  const errors = operator.logged().filter(({ level }) => level >= 50)
  const told = alive ? await assertToldAsDeclared(shared, operator).catch((error: unknown) => error) : undefined
  await stop()
  await proxy.stop()
  if (!alive || errors.length > 0) {
    throw new Error(
      `expected an operator that runs and logs no error, found ${alive ? 'one that runs' : 'one that ended'}:\n` +
        errors.map((line) => JSON.stringify(line)).join('\n'),
    )
  }
  if (told !== undefined) throw told
})

/**
 * The control plane and operator that all tests of this run share. Call it in a hook or a test. Tests keep out of each
 * other's way by namespaces of their own and ComponentTypes with names of their own.
 */
export function karma(): Shared {
  if (!shared) throw new Error('karma() was called before the tests began: call it in a hook or a test')
  return shared
}
