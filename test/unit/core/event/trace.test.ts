import assert from 'node:assert/strict'
import type { Event } from '../../../../operator/api/envelope.ts'
import { isGoingOn, type TraceNode, traceOf } from '../../../../operator/core/event/trace.ts'
import { at, noon } from '../../../support/builders.ts'

interface Short {
  kind?: string
  cause?: string
  seq?: number
  type?: string
}

/** `id entity +ms`, and what is not usual about it. */
const told = (id: string, entity: string, ms: number, { kind, cause, seq = 1, type = 'x.y' }: Short = {}): Event => ({
  id,
  ts: at(noon + ms),
  event_type: type,
  entity_id: entity,
  correlation_id: 'u',
  ...(cause !== undefined && { causation_id: cause }),
  tags: kind === undefined ? {} : { kind },
  attrs: { seq },
})
const asked = told('q', 'dev/changerequest/wish', 0, { kind: 'ChangeRequest', type: 'change.requested' })

/** `entity began+lasted [step after+lasted, …] {children}` */
const drawn = ({ entity, began, lastedMs, steps, children }: TraceNode): string => {
  const texts = steps.map(({ event, afterMs, lastedMs: stood }) => `${event.id} ${afterMs}+${stood ?? ''}`)
  const below = children.length > 0 ? ` {${children.map(drawn).join('; ')}}` : ''
  return `${entity.split('/').at(-1)} ${Date.parse(began) - noon}+${lastedMs} [${texts.join(', ')}]${below}`
}

const cases: [what: string, events: Event[], expected: string][] = [
  [
    'a request alone: each step lasts until the next, the last one until nobody knows when',
    [asked, told('a', asked.entity_id, 40, { seq: 2 }), told('b', asked.entity_id, 100, { seq: 3 })],
    'wish 0+100 [q 0+40, a 40+60, b 100+]',
  ],
  [
    'steps of one moment are in the order of their numbers',
    [told('b', asked.entity_id, 0, { seq: 10 }), told('a', asked.entity_id, 0, { seq: 9 }), asked],
    'wish 0+0 [q 0+0, a 0+0, b 0+]',
  ],
  [
    'without a cause it hangs below the request, in the order in which it began',
    [
      told('c', 'dev/site/main', 30),
      told('e', 'dev/environment/dev', 20),
      asked,
      told('c2', 'dev/site/main', 35, { seq: 2 }),
    ],
    'wish 0+0 [q 0+] {dev 20+0 [e 20+]; main 30+5 [c 30+5, c2 35+]}',
  ],
  [
    'with one below what caused it, however deep',
    [
      asked,
      told('c', 'dev/site/main', 10),
      told('r', 'dev/actionrequest/r', 20, { cause: 'c' }),
      told('o', 'dev/cdn/main', 30, { cause: 'r' }),
    ],
    'wish 0+0 [q 0+] {main 10+0 [c 10+] {r 20+0 [r 20+] {main 30+0 [o 30+]}}}',
  ],
  [
    'a cause that nobody knows, and one that is the object itself, are none',
    [asked, told('a', 'dev/a/a', 1, { cause: 'lost' }), told('b', 'dev/b/b', 2, { cause: 'b' })],
    'wish 0+0 [q 0+] {a 1+0 [a 1+]; b 2+0 [b 2+]}',
  ],
  [
    'two that name each other do not vanish',
    [asked, told('a', 'dev/a/a', 1, { cause: 'b' }), told('b', 'dev/b/b', 2, { cause: 'a' })],
    'wish 0+0 [q 0+] {b 2+0 [b 2+] {a 1+0 [a 1+]}}',
  ],
  [
    'the request is the root also where something is earlier, or it is caused itself',
    [told('e', 'dev/git/push', -5), { ...asked, causation_id: 'e' }],
    'wish 0+0 [q 5+] {push -5+0 [e 0+]}',
  ],
  [
    'a request whose beginning is lost is the root all the same',
    [told('c', 'dev/site/main', 0), told('z', asked.entity_id, 9, { kind: 'ChangeRequest', type: 'change.applied' })],
    'wish 9+0 [z 9+] {main 0+0 [c 0+]}',
  ],
  [
    'a story without a request begins where it begins',
    [told('b', 'dev/site/main', 50, { seq: 2 }), told('a', 'dev/site/main', 7)],
    'main 7+43 [a 0+43, b 43+]',
  ],
  [
    'what came twice is told once',
    [asked, asked, told('a', asked.entity_id, 3, { seq: 2 }), asked],
    'wish 0+3 [q 0+3, a 3+]',
  ],
]

describe('the trace of a change', () => {
  for (const [what, events, expected] of cases) {
    it(what, () => {
      for (const order of [events, events.toReversed()]) {
        const trace = traceOf(order)
        assert.ok(trace)
        assert.equal(drawn(trace), expected)
      }
    })
  }

  const ends: [what: string, types: string[], mode: 'Apply' | 'Plan', goesOn: boolean][] = [
    ['asked for', ['change.requested'], 'Apply', true],
    ['queued', ['change.requested', 'change.queued'], 'Apply', true],
    ['planned, and to be applied', ['change.requested', 'change.planned'], 'Apply', true],
    ['planned, which was all', ['change.requested', 'change.planned'], 'Plan', false],
    ['being written', ['change.requested', 'change.planned', 'change.applying'], 'Apply', true],
    ['applied', ['change.requested', 'change.planned', 'change.applying', 'change.applied'], 'Apply', false],
    ['undone later', ['change.applied', 'change.rolled-back'], 'Apply', false],
    ['rejected', ['change.requested', 'change.rejected'], 'Plan', false],
    ['a story of no request', ['component.committed'], 'Apply', false],
  ]
  for (const [what, types, mode, goesOn] of ends) {
    it(`${goesOn ? 'goes on' : 'has ended'}: ${what}`, () => {
      const events = types.map((type, n) =>
        told(`${n}`, asked.entity_id, n, { kind: 'ChangeRequest', type, seq: n + 1 }),
      )
      const trace = traceOf(events.map((one) => ({ ...one, attrs: { ...one.attrs, mode } })))
      assert.equal(trace && isGoingOn(trace), goesOn)
    })
  }

  it('there is none of nothing', () => {
    assert.equal(traceOf([]), undefined)
  })

  it('is as deep as the causes are, and loses nobody', () => {
    const chain = Array.from({ length: 500 }, (_, n) => told(`${n}`, `dev/x/${n}`, n, { cause: `${n - 1}` }))
    let node = traceOf([asked, ...chain])
    let deep = 0
    for (; node?.children[0]; node = node.children[0]) deep++
    assert.equal(deep, 500)
  })
})
