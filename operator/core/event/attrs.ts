import type { JsonObject } from '../../api/kinds.generated.ts'
import type { EventType } from './types.ts'

/*
 * What each event of Karma says in its attrs, declared once: docs/events.md is made of it, and tests hold real events
 * against it. An attr that is not declared here fails them.
 */

/** A part of JSON Schema, as much as attrs need. */
export interface AttrSchema {
  readonly type: 'string' | 'integer' | 'object' | 'array'
  readonly enum?: readonly string[]
  readonly items?: AttrSchema
  readonly properties?: Readonly<Record<string, AttrSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: false | AttrSchema
}

export interface Attr {
  readonly schema: AttrSchema
  readonly meaning: string
  /** It may be missing, and `meaning` says when. */
  readonly optional?: true
}

export interface Declared {
  /** when it is told, as the rest of a sentence */
  readonly when: string
  readonly attrs: Readonly<Record<string, Attr>>
}

const text: AttrSchema = { type: 'string' }
const whole: AttrSchema = { type: 'integer' }
const texts: AttrSchema = { type: 'array', items: text }
const words = (...of: string[]): AttrSchema => ({ type: 'string', enum: of })
const shape = (properties: Record<string, AttrSchema>, ...optional: string[]): AttrSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
})
const listOf = (items: AttrSchema): AttrSchema => ({ type: 'array', items })
const attr = (schema: AttrSchema, meaning: string): Attr => ({ schema, meaning })
const maybe = (schema: AttrSchema, meaning: string): Attr => ({ schema, meaning, optional: true })

/** In the attrs of every event. */
export const everywhere: Readonly<Record<string, Attr>> = {
  seq: attr(whole, 'the number of this transition in the life of the object, from 1'),
  reason: maybe(text, 'why, in one word of the reasons that Karma gives'),
  message: maybe(text, 'why, in a sentence'),
  omitted: maybe(texts, 'the attrs that were shortened or left out, where they had no room; `*` stands for all'),
}

const environment = maybe(text, 'the name of the environment, once it is known')
const hash = 'the hash of the plan'
const version = (meaning: string): Attr => attr(whole, meaning)
const won = {
  version: maybe(whole, 'the graph version that the change has; missing when it has several'),
  versions: maybe(
    { type: 'object', additionalProperties: whole },
    'of a change over several environments the version in each, by namespace/name',
  ),
}
const holder = attr(text, 'the operator that did it: pod and a random part')

/** What was planned; all of it missing when there was no plan. */
const plan = {
  hash: maybe(text, hash),
  version: maybe(whole, 'the graph version that the plan was made on'),
  affected: maybe(whole, 'how many Components the change can reach'),
  nearest: maybe(texts, 'the nearest of them'),
  verdicts: maybe(
    listOf(shape({ guard: text, verdict: words('Warn', 'RequireApproval', 'Queue', 'Reject'), object: text })),
    'what guards said, the strongest first, but for Allow; `object` is what holds the change, or empty',
  ),
}
const stop = { environment, ...plan }
const blockedBy = attr(listOf(shape({ reason: text, object: text })), 'what it waits for')
const approvals = attr(
  listOf(shape({ name: text, uid: text, decision: words('Approve', 'Deny'), username: text })),
  'who decided, by which ChangeApproval',
)

const change = maybe(text, 'the uid of the ChangeRequest; missing when there is none, or more than one')
const request = maybe(text, 'the name of the ChangeRequest; missing for a creation and for a removal without one')
const inverse = 'merge patch (RFC 7386) over config, references by name, source, project, allowedNamespaces'
const differs = 'JSON pointers to what differs from the committed config, the first of them'
const head = shape({ epoch: text, version: whole, sum: text })

export const declared: Readonly<Record<EventType, Declared>> = {
  'change.requested': {
    when: 'somebody has asked for it, together with the first thing that becomes of it',
    attrs: {
      component: attr(text, 'what it is about'),
      mode: attr(words('Apply', 'Plan'), 'whether it is to be applied'),
      requestReason: maybe(text, 'what the requester wrote as the reason, if anything'),
      requestedBy: maybe(
        shape({ username: text, uid: text, groups: texts }, 'uid', 'groups'),
        'the account; missing where the API server does not stamp it',
      ),
    },
  },
  'change.planned': {
    when: 'the plan stands: mode Plan ends here, mode Apply is being written by it',
    attrs: stop,
  },
  'change.queued': { when: 'it waits for something, or for something else than before', attrs: { ...stop, blockedBy } },
  'change.awaiting-approval': { when: 'somebody else has to agree to the plan', attrs: { ...stop, blockedBy } },
  'change.approved': {
    when: 'those who agreed suffice, and it goes on at once',
    attrs: { environment, hash: attr(text, hash), approvals },
  },
  'change.denied': { when: 'somebody was against the plan; its rejection follows', attrs: { ...stop, approvals } },
  'change.applying': {
    when: 'it is written ahead: whoever finds it can carry it through, or take it back',
    attrs: { environment, ...won, holder },
  },
  'change.withdrawn': {
    when: 'it was written ahead by an operator that was displaced before it was decided; it begins again',
    attrs: { environment },
  },
  'change.applied': {
    when: 'it is committed, or there was nothing to do (reason AlreadyApplied or Unchanged)',
    attrs: { ...stop, ...won, version: maybe(whole, 'the graph version that the change has, or was planned on') },
  },
  'change.rejected': { when: 'it ends: what was asked cannot be, or a guard is against it', attrs: stop },
  'change.cancelled': { when: 'it ends: it was withdrawn, or deleted, before it was applied', attrs: { environment } },
  'change.expired': { when: 'it ends: it has waited for longer than its deadline', attrs: { environment } },
  'change.superseded': { when: 'it ends: a newer edit of the same Component took its place', attrs: { environment } },
  'change.rolled-back': {
    when: 'a later request has undone it; it stays Applied',
    attrs: { rollback: attr(text, 'the uid of the request that undid it'), environment },
  },
  'component.committed': {
    when: 'what was wanted passed the gate',
    attrs: {
      version: version('the graph version that it was committed in'),
      hash: attr(text, 'the hash of what is committed'),
      revision: maybe(text, 'the revision of the source that it names'),
      change,
      request,
      forward: attr({ type: 'object' }, `what changed: ${inverse}`),
      inverse: maybe(
        { type: 'object' },
        'the merge patch that undoes it; missing when it was committed for the first time',
      ),
    },
  },
  'component.removed': {
    when: 'it was taken out of the graph',
    attrs: {
      version: version('the graph version that is without it'),
      change,
      request,
      inverse: attr({ type: 'object' }, 'what was committed, in the form of the patches'),
    },
  },
  'component.blocked': {
    when: 'the gate refuses it, or for something else than before. While it only waits, for outputs of others say, nothing is told',
    attrs: {},
  },
  'component.observed': {
    when: 'a report says something new. Names are told, values are not: some are secrets',
    attrs: {
      state: maybe(text, 'the reported state'),
      outputs: maybe(texts, 'the names of the reported outputs'),
      observedAt: maybe(text, 'when it was looked at, as the report says'),
      drifted: maybe(
        words('True', 'False', 'Unknown'),
        'whether the reported config is another than the committed one; missing when none is reported',
      ),
      differs: maybe(texts, differs),
    },
  },
  'component.drifted': {
    when: 'the reported config begins to differ from the committed one',
    attrs: {
      version: version('the graph version of what is committed'),
      differs: attr(texts, differs),
      count: attr(whole, 'how many differ'),
    },
  },
  'component.converged': {
    when: 'the reported config is the committed one again',
    attrs: { version: version('the graph version of what is committed') },
  },
  'environment.locked': {
    when: 'an operator claimed it for a batch of changes',
    attrs: { holder, version: version('the graph version at that moment') },
  },
  'environment.released': {
    when: 'the batch is done, or given up',
    attrs: { holder, version: version('the graph version at that moment') },
  },
  'graph.published': {
    when: 'a graph version was decided: what is in it will be committed, whoever completes it',
    attrs: {
      version: version('the version'),
      holder,
      change,
      changes: attr(whole, 'how many ChangeRequests are in it'),
      creations: attr(whole, 'how many Components are committed for the first time by their own spec'),
      removals: attr(whole, 'how many Components leave by their own deletion'),
      names: attr(texts, 'the names of these objects, the first 32'),
    },
  },
  'graph.repaired': {
    when: 'a graph store, or the copy of it in process, said something else than what is committed, and was set right',
    attrs: {
      holder,
      what: attr(words('store', 'mirror'), 'which of the two'),
      found: attr(head, 'what it said'),
      version: maybe(whole, 'of a store: the version that it says now'),
      sum: maybe(text, 'of a store: the sum that it says now'),
      asked: maybe(text, 'what somebody asked for it by, when somebody did'),
    },
  },
}

/** The tags of Karma's own events. All are there from the first event of an object on, but for `environment`. */
export const declaredTags: Readonly<Record<string, string>> = {
  kind: 'ChangeRequest, Component or Environment',
  namespace: 'of the object',
  name: 'its metadata.name',
  environment: 'the name of its environment; a ChangeRequest has it once it is known',
  type: 'of a Component: its type',
  component: 'of a ChangeRequest: what it is about',
}

/** JSON Schema of what the attrs of an event of this type may be. Of `omitted` attrs nothing is expected. */
export const attrsSchema = (type: EventType, omitted: readonly string[] = []): JsonObject => {
  const attrs = Object.entries({ ...everywhere, ...declared[type].attrs })
  const isExpected = (name: string, { optional }: Attr): boolean =>
    !optional && (name in everywhere || !(omitted.includes(name) || omitted.includes('*')))
  return {
    type: 'object',
    properties: Object.fromEntries(attrs.map(([name, { schema }]) => [name, schema as unknown as JsonObject])),
    required: attrs.filter(([name, one]) => isExpected(name, one)).map(([name]) => name),
    additionalProperties: false,
  }
}
