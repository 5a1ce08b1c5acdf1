import type { Component, Decision } from '../../api/kinds.generated.ts'
import { emptyObject } from '../../api/merge-patch.ts'
import { faultMessage, type Parsed } from '../../api/parse.ts'
import { display, idOf } from '../component/identity.ts'
import { type Wanted, wantedOf } from '../component/wanted.ts'
import { dependenciesFirst } from '../graph/order.ts'
import { inCycle } from '../guard/cycle.ts'
import { type Facts, type Known, strongest, strongestFirst, type Verdict, type World } from '../guard/facts.ts'
import { judge } from '../guard/list.ts'
import { targetOf } from '../guard/missing-reference.ts'

/** A Component that may pass the gate for the first time, as it would be committed. */
export interface Admitted {
  readonly id: string
  readonly component: Parsed<Component>
  readonly wanted: Wanted
  readonly warnings: readonly string[]
}

export interface HeldBack {
  readonly id: string
  readonly component: Parsed<Component>
  /** those that hold it, the strongest first */
  readonly verdicts: readonly Verdict[]
}

/**
 * All new Components that may be committed together. Creation is a change with `before: null`: each is judged as if the
 * new Components it refers to were committed already, dependencies first. Those which refer to each other in a circle
 * are held back, and so are those that need one that is held back.
 */
export const admit = (
  candidates: readonly Parsed<Component>[],
  world: World,
): { admitted: Admitted[]; heldBack: HeldBack[] } => {
  const open = new Map<string, Parsed<Component>>(candidates.map((component) => [idOf(component), component]))
  const passed = new Map<string, Known>()
  const admitted: Admitted[] = []
  const heldBack: HeldBack[] = []
  const together: World = { ...world, known: (id) => passed.get(id) ?? world.known(id) }
  for (const { id, cycle } of dependenciesFirst([...open.keys()].sort(), dependenciesAmong(open, world))) {
    const component = open.get(id)
    if (!component) continue
    const wanted = wantedOf(component.spec)
    const { config = emptyObject(), references = [], allowedNamespaces } = wanted
    const known = { id, component, config, references, allowedNamespaces }
    const verdicts = verdictsOn(component, cycle, world) ?? judgeNew(known, together)
    if (isHolding(strongest(verdicts))) {
      const holding = verdicts.filter(({ verdict }) => isHolding(verdict)).map(unapprovable)
      heldBack.push({ id, component, verdicts: strongestFirst(holding, holding.length) })
      continue
    }
    passed.set(id, known)
    admitted.push({ id, component, wanted, warnings: verdicts.map(({ message }) => message) })
  }
  return { admitted, heldBack }
}

const isHolding = (decision: Decision): boolean => decision !== 'Allow' && decision !== 'Warn'

/** There is no request that somebody could agree to: the gate stays closed, and the guard is what has to change. */
const unapprovable = (verdict: Verdict): Verdict => {
  if (verdict.verdict !== 'RequireApproval') return verdict
  const advice = 'a creation cannot be approved: let the guard pass it, with before == null || …'
  return { ...verdict, message: `${verdict.message}; ${advice}` }
}

/**
 * The ways on which new Components could lead back to themselves: references to other new ones and, where a committed
 * Component still refers to one that went and now comes back, those to committed ones too.
 */
const dependenciesAmong = (open: ReadonlyMap<string, Component>, { namespace, view }: World) => {
  const comesBack = [...open.keys()].some((id) => view.dependentsOf(id).length > 0)
  return (id: string): string[] => {
    const component = open.get(id)
    if (!component) return view.dependenciesOf(id)
    return (component.spec.references ?? []).flatMap((reference) => {
      const target = targetOf(reference, namespace)
      return target !== undefined && (open.has(target) || (comesBack && view.has(target))) ? [target] : []
    })
  }
}

/** What is wrong before any guard is asked. */
const verdictsOn = (
  component: Parsed<Component>,
  cycle: readonly string[] | undefined,
  { namespace }: World,
): Verdict[] | undefined => {
  const object = display(idOf(component), namespace)
  if (cycle) return [inCycle(idOf(component), cycle, namespace)]
  // A value with a fault was left out at the edge: what is left of it must not be judged.
  const faults = component.faults.filter(({ path }) => path.startsWith('spec.'))
  if (faults.length === 0) return undefined
  return faults.map((fault) => {
    const message = faultMessage(`Component ${object}`, fault)
    return { guard: 'InvalidConfig', verdict: 'Reject', reason: fault.reason, object, message }
  })
}

const judgeNew = (known: Known, world: World): Verdict[] => {
  const facts = factsOf(known, world)
  const { impact } = facts
  return judge([facts], { world, after: world.view, items: [known], linked: [], impact, images: [] })
}

const factsOf = ({ id, component, config, references }: Known, world: World): Facts => ({
  world,
  id,
  type: world.type(component.spec.type),
  typeName: component.spec.type,
  component,
  before: null,
  after: config,
  references,
  changedPaths: [''],
  // Nobody committed can refer to what was never committed.
  impact: world.impact([]),
  request: undefined,
})
