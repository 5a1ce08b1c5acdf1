import { identityOf, idOf, keyOf, nameOfIdentity, placeOf } from '../core/component/identity.ts'
import { hashOf, type Wanted } from '../core/component/wanted.ts'
import type { Of } from '../ports/cluster.ts'
import type { Past } from './graph-past.ts'
import type { Snapshot } from './local-world.ts'

/** What is there now, with the Components of the environment as they were committed at the earlier version. */
export const snapshotThen = (past: Past): Snapshot => {
  const { now, environment, version, earlier } = past
  const own = (component: Of<'Component'>): boolean => placeOf(component) === keyOf(environment)
  const there = new Set(now.components.filter(own).map(idOf))
  const gone = [...earlier].filter(([id]) => !there.has(id))
  return {
    ...now,
    environments: now.environments.map((one) =>
      one === environment ? { ...one, status: { ...one.status, version, applying: [] } } : one,
    ),
    components: [
      ...now.components.flatMap((component) => (own(component) ? asThen(component, past) : [component])),
      ...gone.flatMap(([id, wanted]) => returned(id, wanted, past)),
    ],
  }
}

/** One that was never committed is as it is now; one that was committed since is not there. */
const asThen = (component: Of<'Component'>, { earlier, since, version }: Past): Of<'Component'>[] => {
  const { spec, status } = component
  const wanted = earlier.get(idOf(component))
  if (!wanted) return status?.committed ? [] : [component]
  const { type, nickname, environment } = spec
  // Requests that were applied later have not been applied yet.
  const applied = (status?.applied ?? []).filter(({ name }) => !since.has(name))
  const graphVersion = Math.min(status?.committed?.graphVersion ?? version, version)
  const committed = committedAs(wanted, graphVersion, status?.committed?.at)
  return [
    {
      ...component,
      spec: { type, nickname, environment, ...wanted },
      status: { ...status, applied, committed },
    },
  ]
}

/** One that was deleted since. Labels and outputs of it are not known any more. */
const returned = (id: string, wanted: Wanted, { environment, version }: Past): Of<'Component'>[] => {
  const identity = identityOf(id)
  if (!identity.ok) return []
  const { namespace, type, nickname } = identity.value
  return [
    {
      apiVersion: 'usekarma.dev/v1alpha1',
      kind: 'Component',
      metadata: { namespace, name: nameOfIdentity(identity.value) },
      spec: { type, nickname, environment: environment.metadata.name, ...wanted },
      status: { committed: committedAs(wanted, version, undefined) },
      faults: [],
    },
  ]
}

const committedAs = (wanted: Wanted, graphVersion: number, at = new Date(0).toISOString()) => ({
  ...wanted,
  hash: hashOf(wanted),
  graphVersion,
  at,
})
