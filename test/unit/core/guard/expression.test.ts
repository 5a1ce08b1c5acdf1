import assert from 'node:assert/strict'
import type { Guard } from '../../../../operator/api/kinds.generated.ts'
import type { Result } from '../../../../operator/api/result.ts'
import { makeGuards, type Variables } from '../../../../operator/core/guard/expression.ts'

const bare = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value), (_key, member) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.assign(Object.create(null), member)
      : member,
  ) as T

const variables: Variables = bare({
  component: { id: 'vpc/main', type: 'vpc', outputs: { id: 'vpc-1' }, createdAt: '2026-01-02T03:04:05Z' },
  before: {
    cidr: '10.0.0.0/16',
    size: 3,
    neg: -1,
    tags: { team: 'net', 'cost-center': '7' },
    subnets: ['a', 'b', 'c'],
  },
  after: {
    cidr: '10.1.0.0/16',
    size: 5,
    ratio: 0.75,
    whole: 4,
    tags: { team: 'net' },
    subnets: ['a', 'b'],
    none: null,
  },
  changedPaths: ['/cidr', '/size', '/subnets'],
  impact: {
    count: 2,
    truncated: false,
    components: [
      { id: 'ec2-instance/web', type: 'ec2-instance', distance: 1, state: 'running' },
      { id: 'lambda/x', type: 'lambda', distance: 2, state: 'stopped' },
    ],
  },
  environment: { name: 'prod', version: 40, frozen: false },
  request: {
    mode: 'Apply',
    reason: 'because',
    requestedBy: { username: 'ada', groups: ['ops', 'admins'] },
    at: '2026-03-07T23:00:00Z',
  },
  other: { id: 'ec2-instance/web', type: 'ec2-instance', config: { subnet: 'a' }, runtime: { state: 'running' } },
})
const many: Variables = {
  ...variables,
  impact: { components: Array.from({ length: 10_000 }, (_, i) => ({ id: `c/${i}`, distance: 1 + (i % 5) })) },
}

const guardOf = (expression: string): Guard => ({ name: 'rule', expression, forEach: 'Dependents' })
const guards = makeGuards({ now: () => 0 })
const answer = (expression: string, values: Variables = variables, set = guards): Result<boolean> => {
  const compiled = set.compile(guardOf(expression), 'ComponentType vpc')
  return compiled.ok ? set.evaluate(compiled.value, values) : compiled
}
const messageOf = (result: Result<boolean>): string => {
  assert.ok(!result.ok, 'expected a failure')
  assert.equal(result.failure.reason, 'GuardError')
  assert.equal(result.failure.retry, false)
  return result.failure.message
}

describe('guards in CEL: the answers', () => {
  const cases: [string, boolean][] = [
    ["!('/cidr' in changedPaths && other.type == 'ec2-instance' && other.runtime.state == 'running')", false],
    ["changedPaths.exists(p, p.startsWith('/cidr'))", true],
    ['impact.components.all(i, i.distance <= 2)', true],
    ["impact.components.filter(i, i.state == 'running').size() == 1", true],
    ["impact.count < 10 && !impact.truncated && environment.name != 'staging'", true],
    ['after.size - before.size == 2', true],
    ['after.size / 2 == 2 && after.size % 2 == 1', true],
    ['after.ratio > 0.5 && after.size > 4.5 && after.whole == 4.0', true],
    ['double(after.size) * after.ratio < 4.0', true],
    ['before.neg == -1 && -before.neg == 1 && int("7") == 7 && string(after.size) == "5"', true],
    ['has(after.tags) && !has(after.missing) && !has(after.tags.missing)', true],
    ["has(before.tags.team) ? before.tags.team == 'net' : false", true],
    ["component.outputs.?missing.orValue('x') == 'x' && component.outputs[?'id'].hasValue()", true],
    ["before.tags['cost-center'] == '7' && before.subnets[0] == 'a'", true],
    ["'admins' in request.requestedBy.groups", true],
    ["'team' in after.tags && !('owner' in after.tags)", true],
    ["request.reason.matches('^[a-z]+$') && request.reason.contains('cause') && request.reason.size() == 7", true],
    ['before.subnets.all(s, s in after.subnets)', false],
    ["before.subnets.map(s, s + '-x') == ['a-x', 'b-x', 'c-x']", true],
    ["impact.components.map(i, i.distance > 1, i.id) == ['lambda/x']", true],
    ['before.tags.all(k, k in after.tags)', false],
    ["before.subnets.exists_one(s, s == 'a')", true],
    ["timestamp(request.at).getDayOfWeek() == 6 && timestamp(request.at).getHours('UTC') == 23", true],
    ["timestamp(request.at) - timestamp(component.createdAt) > duration('24h')", true],
    ["after.missing == 1 || environment.name == 'prod'", true],
    ['environment.frozen ? false : (request.mode == "Apply" ? true : false)', true],
    ['after.none == null && before == before && before != after', true],
    ['[1, 2].map(x, [1, 2].map(y, x * y)) == [[1, 2], [2, 4]] && {"a": 1, "b": [1, 2.5, "x"]}.b.size() == 3', true],
    ['cel.bind(n, after.size + 1, n * n == 36)', true],
    ["has(after.constructor) || 'constructor' in after || '__proto__' in after || 'toString' in after.tags", false],
    ["after.cidr.split('.')[1] == '1' && '10.1'.substring(3) == '1' && after.cidr.lowerAscii() == after.cidr", true],
    ['(1 + 2) * 3 == 9 && 1 + 2 * 3 == 7 && !(1 > 2 || 3 > 4) && 10 - 3 - 2 == 5 && 8 / (4 / 2) == 4', true],
    ['r"\\d" == "\\\\d" && """a\nb""".size() == 3 && \'it\\\'s\' == "it\'s" // a comment', true],
    ['type(after.size) == int && type(after.ratio) == double', true],
  ]
  for (const [expression, expected] of cases) {
    it(`${expression.replaceAll('\n', ' ')} is ${expected}`, () => {
      const result = answer(expression)
      assert.deepEqual(result, { ok: true, value: expected }, result.ok ? '' : result.failure.message)
    })
  }

  it('sees what is not given as null: before of a creation, what a caller leaves out', () => {
    const created = { ...variables, before: null, request: undefined }
    assert.deepEqual(answer('before == null && request == null', created), { ok: true, value: true })
  })

  it('converts a value once, and reads thousands of them', () => {
    assert.deepEqual(answer('impact.components.map(i, i.distance).exists(d, d == 5)', many), { ok: true, value: true })
    assert.deepEqual(answer('impact.components.filter(i, i.distance > 0).size() == 10000', many), {
      ok: true,
      value: true,
    })
  })

  it('answers the same again, also after a failure', () => {
    const compiled = guards.compile(guardOf('before.subnets.all(s, s in after.subnets)'), 'Environment dev/dev')
    assert.ok(compiled.ok)
    for (const [values, expected] of [
      [variables, false],
      [{ ...variables, before: null }, undefined],
      [{ ...variables, after: variables.before }, true],
    ] as const) {
      const result = guards.evaluate(compiled.value, values)
      assert.equal(result.ok ? result.value : undefined, expected)
    }
  })
})

describe('guards in CEL: the failures', () => {
  const compile: [string, string, RegExp][] = [
    ['syntax', 'after.size ==', /Unexpected token: EOF at line 1, column 14/],
    ['syntax, later line', 'true &&\n  after..x', /at line 2, column 9/],
    ['unknown variable', 'nosuch.x == 1', /Unknown variable: nosuch at line 1, column 1/],
    ['unknown function', 'after.size.floor() == 1', /floor/],
    ['not a bool', "'x'", /found a value of type string/],
    ['types that cannot meet', "true && 'x' > 1", /string > int/],
    ['a function that is not for guards', "after.subnets.join(',') == ''", /a function that guards cannot use: join/],
    ['a function of the meter', 'karma_step()', /karma_step/],
    ['parentheses without end', `${'('.repeat(2000)}true${')'.repeat(2000)}`, /maxDepth/],
    ['a chain without end', Array.from({ length: 1000 }, () => 'true').join(' && '), /maxAstNodes/],
    ['negations without end', `${'!'.repeat(4000)}true`, /maxAstNodes|nesting/],
    ['nothing', ' ', /EOF/],
  ]
  for (const [name, expression, text] of compile) {
    it(`does not compile: ${name}`, () => {
      const result = guards.compile(guardOf(expression), 'ComponentType vpc')
      assert.ok(!result.ok)
      assert.match(result.failure.message, text)
      assert.match(result.failure.message, /^ComponentType vpc: guard rule: expected a CEL expression/)
      assert.ok(result.failure.message.length < 800)
    })
  }

  it('other is unknown without forEach', () => {
    const result = guards.compile({ name: 'rule', expression: 'other == null' }, 'Environment dev/dev')
    assert.ok(!result.ok && /Unknown variable: other/.test(result.failure.message))
  })

  const evaluate: [string, string, RegExp][] = [
    ['missing key', 'after.missing == 1', /the error No such key: missing/],
    ['missing in null', 'after.none.x == 1', /the error/],
    ['index', "before.subnets[7] == 'a'", /out of bounds/],
    ['types', 'after.cidr > 3', /no such overload/],
    ['not a bool', 'after.size', /found 5/],
    ['not a bool but a list', 'before.subnets', /found a value of another type/],
    ['integer overflow', '9223372036854775807 + after.size > 0', /overflow/],
    ['division by zero', 'after.size / 0 == 1', /division by zero/],
    ['timestamp', "timestamp('2026-13-45T00:00:00Z') == timestamp(request.at)", /timestamp/],
    ['time zone', "timestamp(request.at).getHours('Nowhere/None') == 1", /time zone/i],
    ['pattern', "after.cidr.matches('(')", /missing closing/],
    ['constructor', "after.constructor.name == 'Object'", /No such key: constructor/],
    ['constructor of a text', "after.cidr.constructor == ''", /the error/],
    ['__proto__', "after['__proto__'] == after", /No such key: __proto__/],
  ]
  for (const [name, expression, text] of evaluate) {
    it(`does not answer: ${name}`, () => {
      const message = messageOf(answer(expression))
      assert.match(message, text)
      assert.match(message, /^ComponentType vpc: guard rule: expected true or false, found .*; expression: /)
    })
  }
})

describe('guards in CEL: the cost', () => {
  const doubled = (start: string, step: (x: string) => string, times: number): string => {
    let expression = start
    for (let i = 0; i < times; i++) expression = `${expression}.map(x, ${step('x')})`
    return expression
  }
  const costly: [string, string, RegExp][] = [
    [
      'nested loops',
      "impact.components.exists(a, impact.components.exists(b, a.id == 'nope' && b.id == a.id))",
      /more than 250000 steps/,
    ],
    [
      'a cost that a true would hide',
      "impact.components.all(a, impact.components.all(b, b.id != a.id + 'x')) || true",
      /250000 steps/,
    ],
    ['nested maps', 'impact.components.map(a, impact.components.map(b, b.id)).size() == 1', /steps|too large/],
    ['a text that doubles', `${doubled("['xxxxxxxx']", (x) => `${x}+${x}`, 40)} == []`, /too large/],
    ['a list that doubles', `${doubled('[[1,2,3,4]]', (x) => `${x}+${x}`, 40)} == []`, /too large/],
    [
      'a tree that doubles',
      `${doubled('[1]', (x) => `[${x},${x}]`, 60)} == ${doubled('[1]', (x) => `[${x},${x}]`, 60)}`,
      /too large/,
    ],
    [
      'a tree that doubles by names',
      `${'cel.bind(x, [x, x], '.repeat(25)}x == x${')'.repeat(25)}`.replace('[x, x]', '[1, 1]'),
      /too large/,
    ],
    ['patterns on long texts', "impact.components.exists(i, (before.long).matches('(a{0,20}b?){0,10}c'))", /steps/],
  ]
  for (const [name, expression, text] of costly) {
    it(`is bounded: ${name}`, () => {
      const long = { ...many, before: { long: 'a'.repeat(30_000) } }
      const message = messageOf(answer(expression, long))
      assert.match(message, text)
    })
  }

  it('is bounded by time, too', () => {
    let time = 0
    const slow = makeGuards({ now: () => (time += 10) })
    assert.match(messageOf(answer("impact.components.all(a, a.id != 'x')", many, slow)), /needs more than 1000 ms/)
  })

  it('is bounded by time where every step is an error, which costs fifty steps', () => {
    let time = 0
    const ticking = makeGuards({ now: () => (time += 10) })
    const message = messageOf(
      answer('impact.components.exists(a, impact.components.exists(b, a.no == b.no))', many, ticking),
    )
    assert.match(message, /needs more than 1000 ms/)
  })

  it('answers at once what a backtracking engine never does', () => {
    assert.deepEqual(answer(`'${'a'.repeat(40)}!'.matches('^(a+)+$')`), { ok: true, value: false })
  })

  it('is shared by evaluations that are given one budget', () => {
    const compiled = guards.compile(guardOf("impact.components.all(a, a.id != 'x')"), 'Environment dev/dev')
    assert.ok(compiled.ok)
    const budget = guards.budget()
    const answers = Array.from({ length: 20 }, () => guards.evaluate(compiled.value, many, budget).ok)
    assert.ok(answers[0] && !answers.at(-1))
    assert.ok(guards.evaluate(compiled.value, many).ok)
  })
})
