import assert from 'node:assert/strict'
import type { Guard } from '../../../../operator/api/kinds.generated.ts'
import { declared } from '../../../../operator/core/guard/declared.ts'
import { strongest } from '../../../../operator/core/guard/facts.ts'
import { aComponent, aWorld } from '../../../support/builders.ts'
import { aChange, aCreation, lineOf, says } from './world.ts'

const refersTo = (component: string) => [{ name: 'to', component }]
/** ec2/web and ec2/db refer to subnet/a, which refers to vpc/main; lb/x refers to ec2/web. */
const components = [
  aComponent('vpc/main', { config: { cidr: '10.0.0.0/8' }, state: 'ready' }),
  aComponent('subnet/a', { config: { cidr: '10.0.1.0/24' }, references: refersTo('vpc/main'), project: 'net' }),
  aComponent('ec2/web', { references: refersTo('subnet/a'), state: 'running', outputs: { ip: '10.0.1.7' } }),
  aComponent('ec2/db', { references: refersTo('subnet/a'), config: { size: 3 } }),
  aComponent('lb/x', { references: refersTo('ec2/web') }),
]
const worldWith = (...guards: Partial<Guard>[]) =>
  aWorld({
    components,
    types: { subnet: { guards: guards.map((guard) => ({ name: 'rule', expression: 'true', ...guard })) } },
  })
const change =
  (...guards: Partial<Guard>[]) =>
  () =>
    aChange(worldWith(...guards), 'subnet/a', { cidr: '10.0.2.0/24' })
const where = '(guard rule of ComponentType subnet: expected'

describe('declared guards: once', () => {
  says(declared, [
    ['none', () => aChange(aWorld({ components }), 'subnet/a', {}), []],
    ['true lets the change pass', change({ expression: 'true' }), []],
    [
      'false rejects it, without a word of its own',
      change({ expression: 'false' }),
      [
        `rule Reject GuardFailed subnet/a: Component subnet/a: ComponentType subnet forbids it ${where} false, found false)`,
      ],
    ],
    [
      'false rejects it, with one',
      change({ expression: "after.cidr == ''", message: 'must be empty' }),
      [`rule Reject GuardFailed subnet/a: Component subnet/a: must be empty ${where} after.cidr == '', found false)`],
    ],
    [
      'or warns',
      change({ expression: 'false', verdict: 'Warn', message: 'careful' }),
      [`rule Warn GuardFailed subnet/a: Component subnet/a: careful ${where} false, found false)`],
    ],
    [
      'or asks for an approval',
      change({ expression: 'impact.count < 3', verdict: 'RequireApproval', message: 'two of us' }),
      [
        `rule RequireApproval ApprovalRequired subnet/a: Component subnet/a: two of us ${where} impact.count < 3, found false)`,
      ],
    ],
    [
      'and asks for none while its expression is true',
      change({ expression: 'impact.count <= 3', verdict: 'RequireApproval' }),
      [],
    ],
    [
      'or waits for the Component itself',
      change({ expression: 'false', verdict: 'Queue', message: 'later' }),
      [`rule Queue GuardFailed subnet/a -> dev/subnet/a: Component subnet/a: later ${where} false, found false)`],
    ],
    [
      'an Environment’s are for all, after those of the type',
      () => {
        const environment = { guards: [{ name: 'freeze', expression: 'environment.version > 9' }] }
        return aChange(aWorld({ components, environment, version: 9 }), 'vpc/main', { cidr: 'x' })
      },
      [
        'freeze Reject GuardFailed vpc/main: Component vpc/main: Environment dev/dev forbids it (guard freeze of Environment dev/dev: expected environment.version > 9, found false)',
      ],
    ],
  ])

  const readable: readonly string[] = [
    "component.id == 'subnet/a' && component.type == 'subnet' && component.nickname == 'a' && component.project == 'net'",
    "component.namespace == 'dev' && component.environment == 'dev' && component.labels == {} && component.outputs == {}",
    "component.runtime.state == '' && component.runtime.config == {}",
    "before.cidr == '10.0.1.0/24' && after.cidr == '10.0.2.0/24' && changedPaths == ['/cidr']",
    "impact.count == 3 && !impact.truncated && impact.components.exists(c, c.id == 'lb/x' && c.type == 'lb' && c.distance == 2)",
    "environment.name == 'dev' && environment.version == 1",
    "request.name == 'wish' && request.reason == 'why not' && request.requestedBy.username == 'jo'",
  ]
  for (const expression of readable) {
    it(`reads ${expression}`, () => assert.deepEqual(declared(change({ expression })()).map(lineOf), []))
  }

  it('reads a creation: nothing before, nobody asks', () => {
    const expression = "before == null && changedPaths == [''] && impact.count == 0 && request.name == ''"
    const subnet = aComponent('subnet/new', { committed: false })
    assert.deepEqual(declared(aCreation(worldWith({ expression }), subnet)), [])
  })
})

describe('declared guards: for each', () => {
  says(declared, [
    [
      'dependent, those which refer to it, by id',
      change({ forEach: 'Dependents', expression: "other.nickname == ''" }),
      ['ec2/db', 'ec2/web'].map(
        (other) =>
          `rule Reject GuardFailed ${other}: Component subnet/a: ComponentType subnet forbids it ${where} other.nickname == '', found false for ${other})`,
      ),
    ],
    [
      'dependent, what is reported of it',
      change({ forEach: 'Dependents', expression: "other.runtime.state != 'running'", message: 'an instance runs' }),
      [
        `rule Reject GuardFailed ec2/web: Component subnet/a: an instance runs ${where} other.runtime.state != 'running', found false for ec2/web)`,
      ],
    ],
    [
      'affected, however far it is',
      change({ forEach: 'Affected', expression: "other.type != 'lb'", message: 'the balancer would feel it' }),
      [
        `rule Reject GuardFailed lb/x: Component subnet/a: the balancer would feel it ${where} other.type != 'lb', found false for lb/x)`,
      ],
    ],
    [
      'dependent, and waits for that one',
      change({ forEach: 'Dependents', expression: "'ip' in other.outputs", verdict: 'Queue', message: 'no address' }),
      [
        `rule Queue GuardFailed ec2/db -> dev/ec2/db: Component subnet/a: no address ${where} 'ip' in other.outputs, found false for ec2/db)`,
      ],
    ],
    [
      'dependency',
      change({ forEach: 'Dependencies', expression: "other.id == 'vpc/main' && other.config.cidr == '10.0.0.0/8'" }),
      [],
    ],
    [
      'dependency that is not so',
      change({ forEach: 'Dependencies', expression: "other.runtime.state == 'gone'" }),
      [
        `rule Reject GuardFailed vpc/main: Component subnet/a: ComponentType subnet forbids it ${where} other.runtime.state == 'gone', found false for vpc/main)`,
      ],
    ],
    [
      'nobody: it is not asked',
      () => {
        const world = aWorld({
          components,
          types: { lb: { guards: [{ name: 'g', expression: 'false', forEach: 'Dependents' }] } },
        })
        return aChange(world, 'lb/x', { a: 1 })
      },
      [],
    ],
    [
      'a dependency that is not there is another guard’s',
      () => {
        const subnet = aComponent('subnet/new', { references: refersTo('vpc/none'), committed: false })
        return aCreation(worldWith({ forEach: 'Dependencies', expression: 'false' }), subnet)
      },
      [],
    ],
  ])
})

describe('declared guards: an error closes the gate', () => {
  const found = (expression: string, guard: Partial<Guard> = {}) =>
    declared(change({ expression, verdict: 'Warn', ...guard })()).map(lineOf)
  const broken = 'rule Reject GuardError subnet/a: Component subnet/a: ComponentType subnet: guard rule: expected'
  const cases: readonly [title: string, expression: string, expected: string][] = [
    [
      'it is no CEL',
      'after.cidr ==',
      `${broken} a CEL expression that answers with a bool, found Unexpected token: EOF at line 1, column 14; expression: after.cidr ==`,
    ],
    [
      'it reads what is not there',
      'after.size > 1',
      `${broken} true or false, found the error No such key: size; expression: after.size > 1 (for subnet/a)`,
    ],
    [
      'it answers with something else',
      'after.cidr',
      `${broken} true or false, found "10.0.2.0/24"; expression: after.cidr (for subnet/a)`,
    ],
    [
      'it reads other, and is asked once',
      'other.id == ""',
      `${broken} a CEL expression that answers with a bool, found Unknown variable: other at line 1, column 1; expression: other.id == ""`,
    ],
  ]
  for (const [title, expression, expected] of cases) {
    it(title, () => assert.deepEqual(found(expression), [expected]))
  }

  it('for one of the others: it is named, and the rest is not asked', () => {
    assert.deepEqual(found('other.config.size > 1', { forEach: 'Dependents' }), [
      'rule Reject GuardError ec2/web: Component subnet/a: ComponentType subnet: guard rule: expected true or false, found the error No such key: size; expression: other.config.size > 1 (for ec2/web)',
    ])
  })

  it('of one guard does not hide the answer of the next', () => {
    const verdicts = declared(change({ expression: '1' }, { name: 'second', expression: 'false', verdict: 'Warn' })())
    assert.deepEqual(
      verdicts.map(({ guard, reason }) => [guard, reason]),
      [
        ['rule', 'GuardError'],
        ['second', 'GuardFailed'],
      ],
    )
    assert.equal(strongest(verdicts), 'Reject')
  })

  describe('over many', () => {
    const many = (guard: Partial<Guard>, last: string) => {
      const others = Array.from({ length: 300 }, (_, i) =>
        aComponent(`ec2/i${String(i).padStart(3, '0')}`, { references: refersTo('subnet/a'), config: { size: i } }),
      )
      const subnet = aComponent('subnet/a', { config: { cidr: 'a' } })
      const odd = aComponent(`ec2/${last}`, { references: refersTo('subnet/a'), config: { size: 'x' } })
      const rule = { name: 'rule', expression: 'other.config.size > 1000', forEach: 'Dependents' as const, ...guard }
      const world = aWorld({ components: [subnet, ...others, odd], types: { subnet: { guards: [rule] } } })
      return declared(aChange(world, 'subnet/a', { cidr: 'b' }))
    }

    it('names 32 of those that are against', () => {
      const verdicts = many({ expression: 'false' }, 'z')
      assert.equal(verdicts.length, 32)
      assert.equal(verdicts[0]?.object, 'ec2/i000')
    })

    it('asks all of them: an error beyond the 32 still closes the gate', () => {
      const verdicts = many({ verdict: 'Warn' }, 'z')
      assert.equal(verdicts.length, 33)
      assert.equal(strongest(verdicts), 'Reject')
      assert.equal(verdicts.at(-1)?.object, 'ec2/z')
    })

    it('shares one budget among them', () => {
      const verdicts = many(
        { expression: 'impact.components.all(a, impact.components.all(b, a.id != "" && b.id != ""))' },
        'z',
      )
      assert.match(verdicts.at(-1)?.message ?? '', /found an expression that needs more than 250000 steps/)
      assert.equal(strongest(verdicts), 'Reject')
    })
  })

  it('a long expression leaves room for what was found', () => {
    const expression = `${'after.cidr == "x" || '.repeat(150)}false`
    const [verdict] = declared(change({ expression })())
    assert.match(verdict?.message ?? '', /expected after.cidr == "x" .{100,200}…, found false\)$/)
  })
})
