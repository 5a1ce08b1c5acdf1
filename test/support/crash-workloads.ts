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
  /** Components may come together or one after the other: versions differ by chance */
  readonly versionsVary?: boolean
}

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
    await stage.request('first', site, { proposedChange: { title: 'B' }, remove: ['/tags'] })
    await stage.phase('first', 'Applied')
    await stage.request('second', site, { proposedChange: { colour: 'blue' } })
    await stage.phase('second', 'Applied')
  },
  effects: [
    'lock',
    'claim',
    'write ahead',
    'publish change',
    'spec',
    'committed change',
    'finish',
    'clear',
    'release',
    'place',
  ],
}

const creation: Workload = {
  name: 'creation',
  act: async (stage) => {
    await stage.component(site, { config: { title: 'A' } })
    await stage.committed(site)
    await stage.component(edge, { references: [{ name: 'site', component: site }] })
    await stage.committed(edge)
  },
  effects: ['create environment', 'publish creation', 'committed creation', 'component status', 'environment status'],
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
}

const removal: Workload = {
  name: 'removal',
  setup: twoComponents,
  act: async (stage) => {
    await stage.removeComponent(edge)
    await stage.gone('Component', nameOf(edge))
  },
  effects: ['publish removal', 'committed removal', 'let component go'],
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
    await stage.request('nowhere', 'site/unknown', { proposedChange: { title: 'B' } })
    await stage.phase('nowhere', 'Rejected')
  },
  effects: ['reject'],
}

const planned: Workload = {
  name: 'planned request',
  setup: oneComponent,
  act: async (stage) => {
    await stage.request('what-if', site, { proposedChange: { title: 'B' }, mode: 'Plan' })
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
    await stage.request('as-it-is', site, { proposedChange: { title: 'A' } })
    await stage.phase('as-it-is', 'Applied')
  },
  effects: ['unchanged'],
}

/** One request waits and is taken back, another waits until its output is reported. */
const queued: Workload = {
  name: 'queued requests',
  setup: twoComponents,
  act: async (stage) => {
    const proposedChange = { alias: '$' + '{site.domain}' }
    await stage.request('taken-back', edge, { proposedChange })
    await stage.phase('taken-back', 'Queued')
    await stage.cancel('taken-back')
    await stage.phase('taken-back', 'Cancelled')
    await stage.request('patient', edge, { proposedChange })
    await stage.phase('patient', 'Queued')
    await stage.report(site, { domain: 'a.example' })
    await stage.phase('patient', 'Applied')
  },
  effects: ['queue', 'cancel', 'observe'],
}

/** One request is approved, another denied; nothing passes before somebody else has spoken. */
const approved: Workload = {
  name: 'requests that need an approval',
  setup: async (stage) => {
    await stage.askForApprovals()
    await twoComponents(stage)
  },
  act: async (stage) => {
    await stage.request('agreed', site, { proposedChange: { title: 'B' } })
    await stage.phase('agreed', 'AwaitingApproval')
    await stage.decide('agreed', 'Approve')
    await stage.phase('agreed', 'Applied')
    await stage.request('opposed', site, { proposedChange: { title: 'C' } })
    await stage.phase('opposed', 'AwaitingApproval')
    await stage.decide('opposed', 'Deny')
    await stage.phase('opposed', 'Rejected')
  },
  effects: ['await approval', 'count approval', 'deny'],
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
]
