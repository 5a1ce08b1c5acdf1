import assert from 'node:assert/strict'
import type { Guard } from '../../operator/api/kinds.generated.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, environment, refersTo } from '../support/karma-objects.ts'

const ten = '[1,2,3,4,5,6,7,8,9,10]'

/**
 * A guard that cannot answer, and what is said of it. `of`: the object for which it could not, where it compiles at all;
 * where it does not, the ComponentType says so too.
 */
interface Case {
  readonly name: string
  readonly guard: Omit<Guard, 'name'>
  readonly expected: string
  readonly of?: string
}

const bool = 'a CEL expression that answers with a bool'
const cases: readonly Case[] = [
  {
    name: 'syntax',
    guard: { expression: 'impact.count <' },
    expected: `expected ${bool}, found Unexpected token: EOF at line 1, column 15; expression: impact.count <`,
  },
  {
    name: 'unknown-name',
    guard: { expression: 'size < 10' },
    expected: `expected ${bool}, found Unknown variable: size at line 1, column 1; expression: size < 10`,
  },
  {
    name: 'number',
    guard: { expression: '1 + 1' },
    expected: `expected ${bool}, found a value of type int; expression: 1 + 1`,
  },
  {
    name: 'throws',
    guard: { expression: 'before.price > 3' },
    expected: 'expected true or false, found the error No such key: price; expression: before.price > 3',
    of: 'guarded-throws/one',
  },
  {
    name: 'not-bool',
    guard: { expression: 'after.size' },
    expected: 'expected true or false, found 2; expression: after.size',
    of: 'guarded-not-bool/one',
  },
  {
    name: 'each',
    guard: { forEach: 'Dependents', expression: 'other.config.port > 0' },
    expected: 'expected true or false, found the error No such key: port; expression: other.config.port > 0',
    of: 'guarded-each/two',
  },
]

describe('a bad guard', () => {
  let here: Namespace

  before(async () => {
    here = await openNamespace(karma().api, 'bad-guards')
    await here.commit(
      ...['costly', ...cases.map(({ name }) => name)].flatMap((name) => [
        component(`guarded-${name}/one`, { config: { size: 1 } }),
        component(`guarded-${name}/two`, { references: refersTo(`guarded-${name}/one`) }),
      ]),
    )
  })

  /** The change that a bad guard is asked about: the gate closes, nothing changes. */
  const refused = async (name: string): Promise<string | undefined> => {
    const before = await here.snapshot()
    const spec = { component: `guarded-${name}/one`, proposedChange: { size: 2 } }
    const { status } = await here.ask(changeRequest(name, spec))
    const said = conditionOf(status, 'Succeeded')
    assert.deepEqual([status?.phase, said?.reason], ['Rejected', 'GuardError'])
    const event = await here.told(name, 'GuardError')
    assert.deepEqual([event.type, event.note], ['Warning', said?.message])
    assert.deepEqual(await here.snapshot(), before)
    return said?.message
  }

  for (const { name, guard, expected, of } of cases) {
    it(`closes the gate: ${name}`, async () => {
      const type = `guarded-${name}`
      const message = `ComponentType ${type}: guard bad: ${expected}`
      await here.create(componentType(type, { guards: [{ name: 'bad', ...guard }] }))
      const judged = await here.until('ComponentType', type, 'to be judged', ({ status }) => status !== undefined)
      const ready = conditionOf(judged.status, 'Ready')
      const said =
        of === undefined ? ['False', 'GuardError', message] : ['True', 'Ready', 'schema and guards can be used']
      assert.deepEqual([ready?.status, ready?.reason, ready?.message], said)
      if (of === undefined) {
        const event = await here.told(type, 'GuardError')
        assert.deepEqual([event.type, event.regarding.kind, event.note], ['Warning', 'ComponentType', message])
        assert.match(await karma().kubectl('get', 'kct', type), /READY +AGE\n.* False +\d+s\n$/)
      }
      assert.equal(await refused(name), `Component ${type}/one: ${message}${of === undefined ? '' : ` (for ${of})`}`)
      // New Components of the type do not pass it either.
      if (guard.forEach !== undefined) return
      await here.create(component(`${type}/three`))
      await here.until('Component', `${type}.three`, 'to be held back', ({ status }) => {
        const committed = conditionOf(status, 'Committed')
        return committed?.status === 'False' && committed.reason === 'GuardError'
      })
    })
  }

  it('of an Environment closes its gate, which says so until it is mended', async () => {
    const said = `Environment ${here.name}/closed: guard bad: ${cases[0]?.expected}`
    const ready = (status: 'True' | 'False') =>
      here.until('Environment', 'closed', `Ready=${status}`, (it) => conditionOf(it.status, 'Ready')?.status === status)
    const message = async () => conditionOf((await ready('False')).status, 'Ready')?.message
    await here.create(environment('closed', { guards: [{ name: 'bad', expression: 'impact.count <' }] }))
    assert.equal(await message(), said)
    const event = await here.told('closed', 'GuardError')
    assert.deepEqual([event.type, event.regarding.kind, event.note], ['Warning', 'Environment', said])
    const shown = await karma().kubectl('get', 'kenv', 'closed', '--namespace', here.name)
    assert.match(shown, /READY.*\nclosed .*False/)
    await here.create(component('guarded-by-environment/one', { environment: 'closed' }))
    const held = await here.until('Component', 'guarded-by-environment.one', 'to be held back', ({ status }) => {
      const committed = conditionOf(status, 'Committed')
      return committed?.status === 'False' && committed.reason === 'GuardError'
    })
    assert.match(conditionOf(held.status, 'Committed')?.message ?? '', /guard bad: expected a CEL expression/)
    await here.patch('Environment', 'closed', { spec: { guards: [{ name: 'bad', expression: 'impact.count < 9' }] } })
    await ready('True')
    await here.told('closed', 'Ready', 'Normal')
    await here.committed('guarded-by-environment.one')
  })

  it('closes the gate: one that costs too much', async () => {
    const loops = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const expression = loops.reduceRight(
      (inner, name) => `${ten}.all(${name}, ${inner})`,
      loops.join(' + ').concat(' > 0'),
    )
    await here.create(componentType('guarded-costly', { guards: [{ name: 'bad', expression }] }))
    const message = await refused('costly')
    assert.match(message ?? '', /guard bad: expected an answer, found an expression that needs more than /)
  })
})
