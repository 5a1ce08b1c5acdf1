import type { Effect } from './crash-effects.ts'
import { nameOf, type Stage } from './crash-stage.ts'

/** What users do while the operator is killed. */
export interface Workload {
  readonly name: string
  /** before anything goes wrong */
  readonly setup?: (stage: Stage) => Promise<void>
  readonly act: (stage: Stage) => Promise<void>
  /** what it has Karma write that is worth a kill, and that no workload above has */
  readonly effects: readonly Effect[]
  /** what else it has Karma write, for those who try everything */
  readonly also?: readonly Effect[]
  /** those of which the second one is worth a kill too: something stands written then, and something does not */
  readonly seconds?: readonly Effect[]
  /** Components may come together or one after the other: versions differ by chance */
  readonly versionsVary?: boolean
  /** phases that a request may pass by, when whoever looks at it looks late */
  readonly passedBy?: readonly string[]
}

/** What a turn in an environment has Karma write, whatever it is for; and a change that passes. */
const turn: readonly Effect[] = ['lock', 'clear', 'release']
const passage: readonly Effect[] = [
  'lock',
  'write ahead',
  'publish change',
  'spec',
  'committed change',
  'finish',
  'clear',
  'release',
]

const site = 'site/main'
const edge = 'edge/main'

const twoComponents = async (stage: Stage): Promise<void> => {
  await stage.component(site, { config: { title: 'A', tags: ['x'] } })
  await stage.committed(site)
  await stage.component(edge, { config: { price: 1 }, references: [{ name: 'site', component: site }] })
  await stage.committed(edge)
  await stage.quiet()
}

/** A change goes through, and another one after it: whatever has happened, the gate still works. */
export const change: Workload = {
  name: 'change',
  setup: twoComponents,
  act: async (stage) => {
    await stage.request('first', { component: site, proposedChange: { title: 'B' }, remove: ['/tags'] })
    await stage.phase('first', 'Applied')
    await stage.request('second', { component: site, proposedChange: { colour: 'blue' } })
    await stage.phase('second', 'Applied')
  },
  effects: ['lock', 'write ahead', 'publish change', 'spec', 'committed change', 'finish', 'clear', 'release', 'place'],
}

export const creation: Workload = {
  name: 'creation',
  act: async (stage) => {
    await stage.component(site, { config: { title: 'A' } })
    await stage.committed(site)
    await stage.component(edge, { references: [{ name: 'site', component: site }] })
    await stage.committed(edge)
  },
  effects: [
    'create environment',
    'claim',
    'publish creation',
    'committed creation',
    'component status',
    'environment status',
  ],
  also: ['lock', 'clear', 'release', 'place'],
}

const heldBack: Workload = {
  name: 'creation held back',
  act: async (stage) => {
    await stage.component(edge, { references: [{ name: 'site', component: site }] })
    await stage.heldBack(edge)
    await stage.component(site, { config: { title: 'A' } })
    await stage.committed(edge)
  },
  effects: ['hold back'],
  versionsVary: true,
  also: [
    'create environment',
    'lock',
    'claim',
    'publish creation',
    'committed creation',
    'component status',
    'clear',
    'release',
  ],
}

const removal: Workload = {
  name: 'removal',
  setup: twoComponents,
  act: async (stage) => {
    await stage.removeComponent(edge)
    await stage.gone('Component', nameOf(edge))
  },
  effects: ['publish removal', 'committed removal', 'let component go'],
  also: ['lock', 'component status', 'clear', 'release'],
}

const oneComponent = async (stage: Stage): Promise<void> => {
  await stage.component(site, { config: { title: 'A' } })
  await stage.committed(site)
  await stage.quiet()
}

const rejected: Workload = {
  name: 'rejected request',
  setup: oneComponent,
  act: async (stage) => {
    await stage.request('nowhere', { component: 'site/unknown', proposedChange: { title: 'B' } })
    await stage.phase('nowhere', 'Rejected')
  },
  effects: ['reject'],
  also: ['place'],
}

const planned: Workload = {
  name: 'planned request',
  setup: oneComponent,
  act: async (stage) => {
    await stage.request('what-if', { component: site, proposedChange: { title: 'B' }, mode: 'Plan' })
    await stage.phase('what-if', 'Planned')
    await stage.removeRequest('what-if')
    await stage.gone('ChangeRequest', 'what-if')
  },
  effects: ['plan', 'let request go'],
}

const unchanged: Workload = {
  name: 'request that changes nothing',
  setup: oneComponent,
  act: async (stage) => {
    await stage.request('as-it-is', { component: site, proposedChange: { title: 'A' } })
    await stage.phase('as-it-is', 'Applied')
  },
  effects: ['unchanged'],
  also: turn,
}

/** One request waits and is taken back, another waits until its output is reported. */
const queued: Workload = {
  name: 'queued requests',
  setup: twoComponents,
  act: async (stage) => {
    const proposedChange = { alias: '$' + '{site.domain}' }
    await stage.request('taken-back', { component: edge, proposedChange })
    await stage.phase('taken-back', 'Queued')
    await stage.cancel('taken-back')
    await stage.phase('taken-back', 'Cancelled')
    await stage.request('patient', { component: edge, proposedChange })
    await stage.phase('patient', 'Queued')
    await stage.report(site, { domain: 'a.example' })
    await stage.phase('patient', 'Applied')
  },
  effects: ['queue', 'cancel', 'observe'],
  also: passage,
}

/** One request is approved, another denied; nothing passes before somebody else has spoken. */
const approved: Workload = {
  name: 'requests that need an approval',
  setup: async (stage) => {
    await stage.askForApprovals()
    await twoComponents(stage)
  },
  act: async (stage) => {
    await stage.request('agreed', { component: site, proposedChange: { title: 'B' } })
    await stage.phase('agreed', 'AwaitingApproval')
    await stage.decide('agreed', 'Approve')
    await stage.phase('agreed', 'Applied')
    await stage.request('opposed', { component: site, proposedChange: { title: 'C' } })
    await stage.phase('opposed', 'AwaitingApproval')
    await stage.decide('opposed', 'Deny')
    await stage.phase('opposed', 'Rejected')
  },
  effects: ['await approval', 'count approval', 'deny'],
  also: passage,
}

/** Two Components together, and the reference between them under another name. */
const set: Workload = {
  name: 'set',
  setup: twoComponents,
  act: async (stage) => {
    const changes = [
      { component: site, proposedChange: { title: 'B' }, remove: ['/tags'] },
      {
        component: edge,
        proposedChange: { price: 2 },
        proposedReferences: [
          { name: 'site', remove: true },
          { name: 'home', component: site },
        ],
      },
    ]
    await stage.request('both', { changes })
    await stage.phase('both', 'Applied')
  },
  effects: ['write ahead', 'publish change', 'spec', 'committed change', 'finish'],
  seconds: ['spec', 'committed change'],
  also: turn,
}

const deletion: Workload = {
  name: 'deletion by request',
  setup: twoComponents,
  act: async (stage) => {
    await stage.request('without-edge', { component: edge, operation: 'Delete' })
    await stage.phase('without-edge', 'Applied')
    await stage.gone('Component', nameOf(edge))
  },
  effects: ['delete component', 'committed deletion'],
  also: ['lock', 'write ahead', 'publish change', 'finish', 'component status', 'let component go', 'clear', 'release'],
}

/** What was changed since is left as it is. */
const rollback: Workload = {
  name: 'rollback',
  setup: async (stage) => {
    await twoComponents(stage)
    await stage.request('first', { component: site, proposedChange: { title: 'B' }, remove: ['/tags'] })
    await stage.phase('first', 'Applied')
    await stage.request('since', { component: site, proposedChange: { colour: 'blue' } })
    await stage.phase('since', 'Applied')
    await stage.quiet()
  },
  act: async (stage) => {
    await stage.request('undo', { rollbackOf: 'first' })
    await stage.phase('undo', 'Applied')
    await stage.rolledBack('first', 'undo')
  },
  effects: ['spec', 'committed change', 'finish', 'rolled back'],
  also: ['lock', 'write ahead', 'publish change', 'clear', 'release'],
}

/** What a set has deleted comes back, and what it has changed is undone. */
const rollbackOfDeletion: Workload = {
  name: 'rollback of a deletion',
  setup: async (stage) => {
    await twoComponents(stage)
    const changes = [
      { component: site, proposedChange: { title: 'B' } },
      { component: edge, operation: 'Delete' },
    ]
    await stage.request('without-edge', { changes })
    await stage.phase('without-edge', 'Applied')
    await stage.gone('Component', nameOf(edge))
    await stage.quiet()
  },
  act: async (stage) => {
    await stage.request('undo', { rollbackOf: 'without-edge' })
    await stage.phase('undo', 'Applied')
    await stage.committed(edge)
    await stage.rolledBack('without-edge', 'undo')
  },
  effects: ['create component', 'committed anew', 'finish'],
  also: [
    'lock',
    'write ahead',
    'publish change',
    'spec',
    'committed change',
    'component status',
    'rolled back',
    'clear',
    'release',
  ],
}

/** What comes, and what is changed, refers into another environment. */
const abroad: Workload = {
  name: 'reference into another environment',
  setup: async (stage) => {
    await stage.component(site, { config: { title: 'A' }, environment: 'f' })
    await stage.committed(site)
    await stage.component(edge, { config: { price: 1 } })
    await stage.committed(edge)
    await stage.quiet()
  },
  act: async (stage) => {
    const references = [{ name: 'site', component: site }]
    await stage.component('edge/second', { references })
    await stage.committed('edge/second')
    await stage.request('refer', { component: edge, proposedReferences: references })
    await stage.phase('refer', 'Applied')
  },
  effects: ['promise', 'publish creation', 'publish change'],
  seconds: ['promise'],
  also: [
    ...turn,
    'claim',
    'committed creation',
    'component status',
    'write ahead',
    'spec',
    'committed change',
    'finish',
  ],
}

/** Two Components in two environments: together or not at all. */
const crossing: Workload = {
  name: 'set over two environments',
  setup: async (stage) => {
    await stage.component(site, { config: { title: 'A' }, environment: 'f' })
    await stage.committed(site)
    await stage.component(edge, { config: { price: 1 } })
    await stage.committed(edge)
    await stage.quiet()
  },
  act: async (stage) => {
    const changes = [
      { component: site, proposedChange: { title: 'B' } },
      { component: edge, proposedChange: { price: 2 } },
    ]
    await stage.request('both', { changes })
    await stage.phase('both', 'Applied')
    await stage.request('back', { rollbackOf: 'both' })
    await stage.phase('back', 'Applied')
  },
  effects: ['prepare', 'decide'],
  also: [...passage, 'claim', 'rolled back'],
  seconds: ['prepare', 'publish change', 'spec', 'committed change'],
}

const expired: Workload = {
  name: 'expired request',
  setup: twoComponents,
  act: async (stage) => {
    const proposedChange = { alias: '$' + '{site.domain}' }
    await stage.request('late', { component: edge, proposedChange, queueDeadlineSeconds: 1 })
    await stage.phase('late', 'Expired')
  },
  effects: ['expire'],
  passedBy: ['Queued'],
}

/** GitOps brings back what was pruned. */
const again: Workload = {
  name: 'request that comes again',
  setup: oneComponent,
  act: async (stage) => {
    const spec = { component: site, proposedChange: { title: 'B' } }
    await stage.request('again', spec)
    await stage.phase('again', 'Applied')
    await stage.removeRequest('again')
    await stage.gone('ChangeRequest', 'again')
    await stage.request('again', spec)
    await stage.phase('again', 'Applied')
  },
  effects: ['already applied'],
  also: [
    'lock',
    'write ahead',
    'publish change',
    'spec',
    'committed change',
    'finish',
    'let request go',
    'clear',
    'release',
  ],
}

export const workloads: readonly Workload[] = [
  change,
  creation,
  heldBack,
  removal,
  rejected,
  planned,
  unchanged,
  queued,
  approved,
  set,
  deletion,
  rollback,
  rollbackOfDeletion,
  abroad,
  crossing,
  expired,
  again,
]
