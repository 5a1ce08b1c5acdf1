interface Specification {
  [field: string]: unknown
}

export const component = (spec: Specification = {}, name = 's3-bucket.shared') => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'Component',
  metadata: { name },
  spec: { type: 's3-bucket', nickname: 'shared', environment: 'dev', ...spec },
})
export const changeRequest = (spec: Specification = {}, name = 'change') => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'ChangeRequest',
  metadata: { name },
  spec: { component: 's3-bucket/shared', ...spec },
})
const patchOf = (nickname: string) => ({ component: `s3-bucket/${nickname}`, proposedChange: { a: 1 } })
const deletionOf = (nickname: string) => ({ component: `s3-bucket/${nickname}`, operation: 'Delete' })
const planHash = `sha256:${'0'.repeat(64)}`
export const environment = (spec: Specification = {}, name = 'dev') => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'Environment',
  metadata: { name },
  spec,
})
export const componentType = (spec: Specification = {}, name = 's3-bucket') => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'ComponentType',
  metadata: { name },
  spec,
})
const hash = `sha256:${'0123456789abcdef'.repeat(4)}`
export const changeApproval = (spec: Specification = {}, name = 'approval') => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'ChangeApproval',
  metadata: { name },
  spec: { changeRequest: 'change', planHash: hash, decision: 'Approve', ...spec },
})
export const guard = { name: 'small', expression: 'impact.count < 10' }

/** A case: what is created, and what the refusal says (nothing: it is accepted). */
export type Case = readonly [title: string, object: { kind: string }, ...refusals: string[]]

export const cases: readonly Case[] = [
  ['a Component', component()],
  [
    'a Component with everything',
    component({
      project: 'usekarma',
      source: { repository: 'https://git.example/infra', path: 'dev/s3.yaml', revision: '1fd742f' },
      config: { versioning: true, nested: { list: [1, 'two', { three: 3 }] } },
      references: [
        { name: 'key', component: 'kms-key/shared', outputs: ['arn'] },
        { name: 'role', component: 'iam/iam-role/a.b' },
      ],
      allowedNamespaces: ['web'],
    }),
  ],
  ['a nickname with dots', component({ nickname: 'a.b-c' }, 's3-bucket.a.b-c')],
  [
    'a name that is not type.nickname',
    component({}, 'other'),
    'metadata.name must be spec.type and spec.nickname joined by a dot: expected "s3-bucket.shared", found "other"',
  ],
  [
    'a type with a dot',
    component({ type: 's3.bucket' }, 's3.bucket.shared'),
    'spec.type',
    'lower-case letters, digits and hyphens',
    'expected for example "s3-bucket", found "s3.bucket"',
  ],
  ['a type in capitals', component({ type: 'Bucket' }, 'bucket.shared'), 'spec.type', 'found "Bucket"'],
  ['a type that ends with a hyphen', component({ type: 's3-' }, 's3-.shared'), 'spec.type', 'found "s3-"'],
  [
    'a type of 64 characters',
    component({ type: 'a'.repeat(64) }, `${'a'.repeat(64)}.shared`),
    'spec.type: Too long: may not be more than 63 bytes',
  ],
  ['no type', component({ type: undefined }), 'spec.type: Required value'],
  ['an empty nickname', component({ nickname: '' }), 'spec.nickname'],
  [
    'a nickname with an underscore',
    component({ nickname: 'a_b' }),
    'spec.nickname',
    'expected for example "karma-dev", found "a_b"',
  ],
  ['a nickname with an empty part', component({ nickname: 'a..b' }), 'spec.nickname', 'found "a..b"'],
  [
    'an environment with a dot',
    component({ environment: 'dev.eu' }),
    'spec.environment',
    'expected for example "dev", found "dev.eu"',
  ],
  ['no environment', component({ environment: undefined }), 'spec.environment: Required value'],
  [
    'no spec',
    { kind: 'Component', ...{ apiVersion: 'usekarma.dev/v1alpha1', metadata: { name: 'a.b' } } },
    'spec: Required value',
  ],
  [
    'a config that is a list',
    component({ config: ['a'] }),
    'spec.config: Invalid value: "array": spec.config in body must be of type object',
  ],
  [
    'a config of 1025 fields',
    component({ config: Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`f${i}`, i])) }),
    'spec.config: Too many: 1025: must have at most 1024 items',
  ],
  ['a source without a repository', component({ source: { path: 'a' } }), 'spec.source.repository: Required value'],
  [
    'a reference without a type',
    component({ references: [{ name: 'key', component: 'kms-key' }] }),
    'spec.references[0].component',
    'the component of a reference must be type/nickname or namespace/type/nickname: expected for example "s3-bucket/shared", found "kms-key"',
  ],
  [
    'a reference of four parts',
    component({ references: [{ name: 'key', component: 'a/b/c/d' }] }),
    'spec.references[0].component',
    'found "a/b/c/d"',
  ],
  [
    'a reference to a nickname with a slash at the end',
    component({ references: [{ name: 'key', component: 'a/b/' }] }),
    'spec.references[0].component',
    'found "a/b/"',
  ],
  [
    'a reference whose name has a dot',
    component({ references: [{ name: 'k.1', component: 'kms-key/a' }] }),
    'spec.references[0].name',
    'the name of a reference must be letters, digits, hyphens and underscores',
    'found "k.1"',
  ],
  [
    'a reference named __proto__',
    component({ references: [{ name: '__proto__', component: 'kms-key/a' }] }),
    'spec.references[0].name',
    'found "__proto__"',
  ],
  [
    'two references of one name',
    component({
      references: [
        { name: 'key', component: 'kms-key/a' },
        { name: 'key', component: 'kms-key/b' },
      ],
    }),
    'spec.references[1]: Duplicate value: {"name":"key"}',
  ],
  [
    '65 references',
    component({ references: Array.from({ length: 65 }, (_, i) => ({ name: `r${i}`, component: 'kms-key/a' })) }),
    'spec.references: Too many: 65: must have at most 64 items',
  ],
  [
    'one namespace twice',
    component({ allowedNamespaces: ['web', 'web'] }),
    'spec.allowedNamespaces[1]: Duplicate value: "web"',
  ],

  ['a ChangeRequest', changeRequest()],
  [
    'a ChangeRequest with everything',
    changeRequest({
      proposedChange: { a: { b: [1] } },
      remove: ['/c'],
      mode: 'Plan',
      onConflict: 'Reject',
      reason: 'why',
      cancel: false,
    }),
  ],
  ['a null in a proposedChange (rejected later, with a reason)', changeRequest({ proposedChange: { a: null } })],
  [
    'a ChangeRequest about nothing',
    changeRequest({ component: undefined }),
    'spec must say what is to be changed: expected exactly one of component, changes and rollbackOf',
  ],
  ['a set of changes', changeRequest({ component: undefined, changes: [patchOf('a'), deletionOf('b')] })],
  [
    'a rollback with a hash and a deadline',
    changeRequest({ component: undefined, rollbackOf: 'x', planHash, queueDeadlineSeconds: 60 }),
  ],
  [
    'a ChangeRequest about two things',
    changeRequest({ rollbackOf: 'x' }),
    'expected exactly one of component, changes and rollbackOf',
  ],
  [
    'a patch beside a set',
    changeRequest({ component: undefined, changes: [patchOf('a')], proposedChange: { a: 1 } }),
    'expected them with component, found them without; put them into the entries of changes',
  ],
  ['an empty set', changeRequest({ component: undefined, changes: [] }), 'spec.changes: Invalid value: 0'],
  [
    '101 changes',
    changeRequest({ component: undefined, changes: Array.from({ length: 101 }, (_, i) => patchOf(`n${i}`)) }),
    'spec.changes: Too many: 101: must have at most 100 items',
  ],
  ['a deletion', changeRequest({ operation: 'Delete' })],
  [
    'a deletion that changes something',
    changeRequest({ operation: 'Delete', remove: ['/a'] }),
    'spec.operation is Delete: expected no proposedChange, remove or proposedReferences beside it, found some',
  ],
  [
    'a deletion in a set that changes something',
    changeRequest({ component: undefined, changes: [{ ...deletionOf('a'), remove: ['/a'] }] }),
    'the operation on "s3-bucket/a" is Delete: expected no proposedChange',
  ],
  [
    'references to add and to take away',
    changeRequest({
      proposedReferences: [
        { name: 'a', component: 's3-bucket/a', outputs: ['arn'] },
        { name: 'b', remove: true },
      ],
    }),
  ],
  [
    'a reference that leads nowhere',
    changeRequest({ proposedReferences: [{ name: 'a' }] }),
    'the reference "a" must say where it leads, or that it goes: expected either component or remove: true, found neither',
  ],
  [
    'a reference that leads somewhere and goes',
    changeRequest({ proposedReferences: [{ name: 'a', component: 's3-bucket/a', remove: true }] }),
    'found both',
  ],
  [
    'two references of one name',
    changeRequest({
      proposedReferences: [
        { name: 'a', remove: true },
        { name: 'a', remove: true },
      ],
    }),
    'spec.proposedReferences[1]: Duplicate value',
  ],
  [
    'a planHash that is none',
    changeRequest({ planHash: 'sha256:1' }),
    'spec.planHash must be the hash of a plan: expected sha256: and 64 hex digits, found "sha256:1"',
  ],
  [
    'a deadline in the past',
    changeRequest({ queueDeadlineSeconds: 0 }),
    'spec.queueDeadlineSeconds: Invalid value: 0: spec.queueDeadlineSeconds in body should be greater than or equal to 1',
  ],
  [
    'a component without a type',
    changeRequest({ component: 'shared' }),
    'spec.component',
    'spec.component must be type/nickname: expected for example "s3-bucket/shared", found "shared"',
  ],
  [
    'a component of another namespace',
    changeRequest({ component: 'web/s3-bucket/shared' }),
    'spec.component',
    'found "web/s3-bucket/shared"',
  ],
  [
    'a component by metadata.name',
    changeRequest({ component: 's3-bucket.shared' }),
    'spec.component',
    'found "s3-bucket.shared"',
  ],
  [
    'a proposedChange that is a text',
    changeRequest({ proposedChange: 'a' }),
    'spec.proposedChange: Invalid value: "string": spec.proposedChange in body must be of type object',
  ],
  [
    'a field to remove that is no pointer',
    changeRequest({ remove: ['old_key'] }),
    'spec.remove[0]',
    'an entry of spec.remove must be a JSON pointer into config: expected for example "/old_key", found "old_key"',
  ],
  [
    'an unknown mode',
    changeRequest({ mode: 'Maybe' }),
    'spec.mode: Unsupported value: "Maybe": supported values: "Apply", "Plan"',
  ],
  [
    'an unknown onConflict',
    changeRequest({ onConflict: 'Wait' }),
    'spec.onConflict: Unsupported value: "Wait": supported values: "Queue", "Reject"',
  ],
  [
    'a cancel that is a text',
    changeRequest({ cancel: 'true' }),
    'spec.cancel: Invalid value: "string": spec.cancel in body must be of type boolean',
  ],

  ['an Environment', environment()],
  ['an Environment without a spec', { ...environment(), spec: undefined } as { kind: string }],
  [
    'an Environment with a guard',
    environment({
      guards: [{ ...guard, forEach: 'Dependents', verdict: 'Queue', message: 'later' }],
      onConflict: 'Reject',
      allowTruncatedImpact: true,
    }),
  ],
  [
    'an Environment with a guard that asks for an approval',
    environment({ guards: [{ ...guard, verdict: 'RequireApproval' }] }),
  ],
  [
    'an Environment with a dot',
    environment({}, 'dev.eu'),
    'metadata.name must be at most 63 lower-case letters, digits and hyphens',
    'found "dev.eu"',
  ],
  ['an Environment of 64 characters', environment({}, 'e'.repeat(64)), 'metadata.name must be at most 63'],
  [
    'a guard without an expression',
    environment({ guards: [{ name: 'small' }] }),
    'spec.guards[0].expression: Required value',
  ],
  [
    'a guard that allows',
    environment({ guards: [{ ...guard, verdict: 'Allow' }] }),
    'spec.guards[0].verdict: Unsupported value: "Allow": supported values: "Warn", "RequireApproval", "Queue", "Reject"',
  ],
  [
    'a guard for each of nothing',
    environment({ guards: [{ ...guard, forEach: 'Others' }] }),
    'spec.guards[0].forEach: Unsupported value: "Others"',
  ],
  [
    'two guards of one name',
    environment({ guards: [guard, guard] }),
    'spec.guards[1]: Duplicate value: {"name":"small"}',
  ],
  [
    'an expression of 4097 characters',
    environment({ guards: [{ name: 'long', expression: 'a'.repeat(4097) }] }),
    'spec.guards[0].expression: Too long: may not be more than 4096 bytes',
  ],

  ['a ComponentType', componentType()],
  [
    'a ComponentType with everything',
    componentType({
      configSchema: { type: 'object', properties: { a: { type: 'string' } } },
      outputs: [{ name: 'arn', from: ['/name', 'references.key'], sensitive: true }],
      guards: [guard],
    }),
  ],
  [
    'a ComponentType with a dot',
    componentType({}, 's3.bucket'),
    'metadata.name must be at most 63 lower-case letters, digits and hyphens',
    'expected for example "s3-bucket", found "s3.bucket"',
  ],
  [
    'an output that is made of nothing known',
    componentType({ outputs: [{ name: 'arn', from: ['name'] }] }),
    'spec.outputs[0].from[0]',
    'an entry of from must be a JSON pointer into config or references.NAME: expected for example "/aliases", found "name"',
  ],
  [
    'two outputs of one name',
    componentType({ outputs: [{ name: 'arn' }, { name: 'arn' }] }),
    'spec.outputs[1]: Duplicate value: {"name":"arn"}',
  ],

  ['a ChangeApproval', changeApproval()],
  ['a ChangeApproval with everything', changeApproval({ decision: 'Deny', reason: 'too late', validForSeconds: 1 })],
  ['a ChangeApproval of a name with dots', changeApproval({ changeRequest: 'a.b-c.d' })],
  [
    'a ChangeApproval of nothing',
    changeApproval({ changeRequest: undefined, planHash: undefined, decision: undefined }),
    'spec.changeRequest: Required value',
    'spec.planHash: Required value',
    'spec.decision: Required value',
  ],
  [
    'a ChangeApproval without a spec',
    { ...changeApproval(), spec: undefined } as { kind: string },
    'spec: Required value',
  ],
  [
    'a ChangeApproval of what is no name',
    changeApproval({ changeRequest: 'dev/change' }),
    'spec.changeRequest',
    'spec.changeRequest must be the metadata.name of a ChangeRequest: expected for example "new-alias", found "dev/change"',
  ],
  [
    'a plan hash that was cut',
    changeApproval({ planHash: hash.slice(0, -1) }),
    'spec.planHash',
    `spec.planHash must be status.plan.hash of the ChangeRequest: expected sha256: and 64 hexadecimal digits, found "${hash.slice(0, -1)}"`,
  ],
  ['a plan hash without its kind', changeApproval({ planHash: hash.slice(7) }), 'expected sha256: and 64 hexadecimal'],
  [
    'an unknown decision',
    changeApproval({ decision: 'Abstain' }),
    'spec.decision: Unsupported value: "Abstain": supported values: "Approve", "Deny"',
  ],
  [
    'a ChangeApproval for no time',
    changeApproval({ validForSeconds: 0 }),
    'spec.validForSeconds: Invalid value: 0: spec.validForSeconds in body should be greater than or equal to 1',
  ],
  [
    'a ChangeApproval for more than a year',
    changeApproval({ validForSeconds: 31_536_001 }),
    'spec.validForSeconds: Invalid value: 31536001: spec.validForSeconds in body should be less than or equal to 31536000',
  ],
]
