import assert from 'node:assert/strict'
import { ageOf, msOf, spanOf } from '../../../operator/cli/age.ts'
import { brief } from '../../../operator/cli/brief.ts'
import { table, wrapped } from '../../../operator/cli/table.ts'
import { changeOf, componentOf, targetOf } from '../../../operator/cli/target.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

describe('spans as kubectl writes them', () => {
  const spans: [ms: number, text: string][] = [
    [-5, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [9 * minute + 59 * second, '9m59s'],
    [10 * minute + 5 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour + 20 * minute, '3h20m'],
    [8 * hour + 20 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day + 3 * hour, '2d3h'],
    [8 * day + 3 * hour, '8d'],
    [2 * 365 * day + 40 * day, '2y40d'],
    [9 * 365 * day, '9y'],
  ]
  for (const [ms, text] of spans) it(`${ms} ms is ${text}`, () => assert.equal(spanOf(ms), text))

  it('of a time that is not there', () => assert.equal(ageOf(undefined, 0), '<unknown>'))

  const durations: [text: string, ms: number | undefined][] = [
    ['90s', 90 * second],
    ['2m', 2 * minute],
    ['1h30m', 90 * minute],
    ['0s', 0],
    ['60', undefined],
    ['-1s', undefined],
    ['2d', 2 * day],
    ['1d12h', 1.5 * day],
    ['1w', undefined],
    ['', undefined],
  ]
  for (const [text, ms] of durations) it(`"${text}" is ${ms} ms`, () => assert.equal(msOf(text), ms))
})

describe('what an argument names', () => {
  const cases: [text: string, expected: string][] = [
    ['new-alias', 'ChangeRequest dev/new-alias'],
    ['changerequest/new-alias', 'ChangeRequest dev/new-alias'],
    ['changerequest.usekarma.dev/new-alias', 'ChangeRequest dev/new-alias'],
    ['kcr/new-alias', 'ChangeRequest dev/new-alias'],
    ['s3-bucket/shared', 'Component dev/s3-bucket/shared'],
    ['web/s3-bucket/shared', 'Component web/s3-bucket/shared'],
    ['component/s3-bucket.shared', 'Component dev/s3-bucket/shared'],
    ['component.usekarma.dev/s3-bucket.www.example', 'Component dev/s3-bucket/www.example'],
    // A type may be called like the kind.
    ['component/shared', 'Component dev/component/shared'],
    ['a/b/c/d', 'BadRequest'],
    ['s3-bucket/', 'BadRequest'],
    ['Upper', 'BadRequest'],
    ['', 'BadRequest'],
  ]
  for (const [text, expected] of cases) {
    it(`"${text}" is ${expected}`, () => {
      const found = targetOf(text, 'dev')
      const told = found.ok
        ? `${found.value.of} ${found.value.of === 'ChangeRequest' ? found.value.key : found.value.id}`
        : found.failure.reason
      assert.equal(told, expected)
    })
  }

  it('where a Component is meant its metadata.name will do', () => {
    assert.deepEqual(componentOf('s3-bucket.shared', 'dev'), {
      ok: true,
      value: { of: 'Component', id: 'dev/s3-bucket/shared' },
    })
  })

  it('where a change is meant a Component is refused', () => {
    const found = changeOf('s3-bucket/shared', 'dev')
    assert.match(
      found.ok ? '' : found.failure.message,
      /expected the NAME of a ChangeRequest.*found "s3-bucket\/shared"/,
    )
  })
})

describe('tables', () => {
  const columns = [
    { title: 'A', text: ([a]: [string, string]) => a },
    { title: 'MESSAGE', text: ([, message]: [string, string]) => message, colour: () => 31 },
  ]

  it('break the last column where the terminal ends, and colour each line', () => {
    const rows: [string, string][] = [['one', 'all that has to be said of the first thing']]
    assert.equal(
      table(columns, rows, { colours: false, width: 32 }),
      ['A     MESSAGE', 'one   all that has to be said of', '      the first thing', ''].join('\n'),
    )
    const coloured = table(columns, rows, { colours: true, width: 32 })
    assert.ok(coloured.endsWith('\n      \u001b[31mthe first thing\u001b[0m\n'), coloured)
  })

  it('break nothing where there is no terminal, or hardly one', () => {
    const rows: [string, string][] = [['one', 'all that has to be said of the first thing']]
    for (const width of [undefined, 12]) {
      assert.equal(table(columns, rows, { colours: false, width }).split('\n').length, 3)
    }
  })

  it('leave a word whole that is too long', () => {
    assert.deepEqual(wrapped(`a ${'x'.repeat(40)} b`, 24), ['a', 'x'.repeat(40), 'b'])
  })
})

describe('the message of a verdict, in short', () => {
  it('leaves the expression of a guard where the guard is', () => {
    const whole =
      "Component vpc-subnet/apps: no (guard a of ComponentType vpc-subnet: expected !x.exists(p, p == '/a)'), found false for b)"
    assert.equal(brief(whole), 'Component vpc-subnet/apps: no (a guard of ComponentType vpc-subnet)')
  })

  it('is whole when it is of another form', () => {
    const whole = 'Component a/b: output x would vanish (it is made from /x), but c/d uses it'
    assert.equal(brief(whole), whole)
  })
})
