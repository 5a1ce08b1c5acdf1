import assert from 'node:assert/strict'
import type { Component, Image, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { changedPaths } from '../../../../operator/core/change/patch.ts'
import { idOf } from '../../../../operator/core/component/identity.ts'
import { changedOutputs } from '../../../../operator/core/graph/edges.ts'
import type { Facts, Guard, Verdict, Whole, WholeGuard, World } from '../../../../operator/core/guard/facts.ts'

/** The change of one committed Component (`type/nickname`) to another config, as guards see it. */
export const aChange = (world: World, component: string, after: JsonObject): Facts => {
  const id = `dev/${component}`
  const known = world.known(id)
  assert.ok(known, `expected ${component} in the world`)
  const type = world.type(known.component.spec.type)
  const paths = changedPaths(known.config, after)
  return {
    world,
    id,
    type,
    typeName: known.component.spec.type,
    component: known.component,
    before: known.config,
    after,
    references: known.references,
    changedPaths: paths,
    impact: world.impact([{ id, outputs: changedOutputs(type?.spec, paths) }]),
    request: { name: 'wish', reason: 'why not', requestedBy: { username: 'jo' }, isEdit: false },
  }
}

/** The same, as it is judged once for all that changes together. */
export const aWhole = (world: World, component: string, after: JsonObject, images: readonly Image[] = []): Whole => {
  const { id, impact } = aChange(world, component, after)
  return { world, after: world.view, items: [{ id }], linked: [], impact, images }
}

/** The creation of a Component, as guards see it. */
export const aCreation = (world: World, component: Component): Facts => ({
  world,
  id: idOf(component),
  type: world.type(component.spec.type),
  typeName: component.spec.type,
  component,
  before: null,
  after: component.spec.config ?? {},
  references: component.spec.references ?? [],
  changedPaths: [''],
  impact: world.impact([]),
  request: undefined,
})

/** A verdict as one line: `guard decision reason object -> waitsFor: message`. */
export const lineOf = ({ guard, verdict, reason, object, waitsFor, message }: Verdict): string =>
  `${guard} ${verdict} ${reason} ${object ?? '-'}${waitsFor ? ` -> ${waitsFor}` : ''}: ${message}`

export type Case<Asked = Facts> = readonly [title: string, asked: () => Asked, expected: readonly string[]]

/** A table of cases of one guard: what it says, line by line. */
export const says = (guard: Guard, cases: readonly Case[]): void => {
  for (const [title, facts, expected] of cases) {
    it(title, () => assert.deepEqual(guard(facts()).map(lineOf), expected))
  }
}

/** The same for a guard that is asked once for all that changes together. */
export const saysOfAll = (guard: WholeGuard, cases: readonly Case<Whole>[]): void => {
  for (const [title, whole, expected] of cases) {
    it(title, () => assert.deepEqual(guard(whole()).map(lineOf), expected))
  }
}
