import assert from 'node:assert/strict'
import { messageOf } from '../../../../operator/api/envelope.ts'
import { parseMessage } from '../../../../operator/api/parse-event.ts'
import { attrsSchema, declared, declaredTags, everywhere } from '../../../../operator/core/event/attrs.ts'
import { eventTypes } from '../../../../operator/core/event/types.ts'
import { assertDeclared } from '../../../support/declared.ts'
import { everyEvent } from '../../../support/every-event.ts'

describe('attrs of events', () => {
  const events = everyEvent()

  it('are declared for every type, and every type is told', () => {
    assert.deepEqual(Object.keys(declared), [...eventTypes])
    assert.deepEqual(new Set(events.map(({ event_type }) => event_type)), new Set(eventTypes))
  })

  for (const type of eventTypes) {
    const those = events.filter(({ event_type }) => event_type === type)
    it(`of ${type}: as declared, each at least once`, () => {
      for (const { attrs } of those) assertDeclared(type, attrs)
      const seen = new Set(those.flatMap(({ attrs }) => Object.keys(attrs)))
      assert.deepEqual(
        Object.keys(declared[type].attrs).filter((name) => !seen.has(name)),
        [],
      )
    })
  }

  it('tags are declared, each at least once', () => {
    assert.deepEqual(new Set(events.flatMap(({ tags }) => Object.keys(tags))), new Set(Object.keys(declaredTags)))
  })

  it('what every event says is declared once', () => {
    for (const type of eventTypes) {
      const twice = Object.keys(declared[type].attrs).filter((name) => name in everywhere)
      assert.deepEqual(twice, [], type)
    }
  })

  it('an attr that is not declared, of another form, or not there is found', () => {
    const attrs = { seq: 1, holder: 'h', version: 4 }
    assertDeclared('environment.locked', attrs)
    assert.throws(
      () => assertDeclared('environment.locked', { ...attrs, more: 1 }),
      /must NOT have additional properties/,
    )
    assert.throws(
      () => assertDeclared('environment.locked', { ...attrs, version: '4' }),
      /attrs\/version must be integer/,
    )
    assert.throws(
      () => assertDeclared('environment.locked', { seq: 1, holder: 'h' }),
      /must have required property 'version'/,
    )
    assert.throws(() => assertDeclared('environment.painted', attrs), /is no type/)
  })

  it('of what was omitted nothing is expected', () => {
    assertDeclared('environment.locked', { seq: 1, version: 4, omitted: ['holder'] })
    assertDeclared('environment.locked', { seq: 1, omitted: ['*'] })
    assert.deepEqual(attrsSchema('environment.locked', ['*']).required, ['seq'])
  })

  it('every event of Karma is read from the bus as it was told', () => {
    for (const event of events) {
      const message = messageOf(event)
      assert.deepEqual(parseMessage(new TextEncoder().encode(message.raw)), { ok: true, value: message })
    }
  })
})
