import assert from 'node:assert/strict'
import type { JsonObject, Output, Reference } from '../../../../operator/api/kinds.generated.ts'
import { changedOutputs, edgesFor } from '../../../../operator/core/graph/edges.ts'

const types: Record<string, Output[]> = {
  bucket: [
    { name: 'arn', from: ['/name'] },
    { name: 'url', from: ['/name', '/region'] },
  ],
  function: [
    { name: 'arn', from: ['/name'] },
    { name: 'image', from: ['/code', 'references.registry'] },
    { name: 'etag' },
  ],
  open: [],
}
/** A placeholder in config. */
const value = (output: string): string => `\${${output}}`
const typeOf = (type: string) => (types[type] ? { outputs: types[type] } : undefined)

describe('core/graph/edges: edgesFor', () => {
  const bucket = { name: 'bucket', component: 'bucket/logs' }
  const to = 'dev/bucket/logs'
  const cases: {
    title: string
    type?: string
    references: Reference[]
    config?: JsonObject
    expected: { name?: string; to?: string; uses?: string[]; feeds?: string[] }[]
  }[] = [
    { title: 'no references', references: [], expected: [] },
    { title: 'nothing said: all', references: [bucket], expected: [{}] },
    { title: 'outputs of the reference', references: [{ ...bucket, outputs: ['arn'] }], expected: [{ uses: ['arn'] }] },
    { title: 'an empty list is as none', references: [{ ...bucket, outputs: [] }], expected: [{}] },
    {
      title: 'outputs named in config',
      references: [bucket],
      config: { env: [value('bucket.arn'), `at ${value('bucket.url')}, ${value('bucket.arn')}`] },
      expected: [{ uses: ['arn', 'url'] }],
    },
    {
      title: 'both',
      references: [{ ...bucket, outputs: ['arn'] }],
      config: { env: value('bucket.url') },
      expected: [{ uses: ['arn', 'url'] }],
    },
    {
      title: 'placeholders of another reference, and escaped ones',
      references: [bucket, { name: 'other', component: 'prod/open/x' }],
      config: { env: `${value('other.key')} $${value('bucket.arn')}` },
      expected: [{}, { name: 'other', to: 'prod/open/x', uses: ['key'] }],
    },
    {
      title: 'an output that the dependency does not declare: all',
      references: [{ ...bucket, outputs: ['arn', 'tags'] }],
      expected: [{}],
    },
    {
      title: 'feeds by placeholder at, below and above a pointer, by name, and without from',
      type: 'function',
      references: [
        bucket,
        { name: 'registry', component: 'open/r' },
        { name: 'whole', component: 'open/w' },
        { name: 'tagged', component: 'open/t' },
      ],
      config: {
        name: `fn-${value('bucket.arn')}`,
        code: { image: [value('whole.x')] },
        tags: { t: value('tagged.y') },
      },
      expected: [
        { uses: ['arn'], feeds: ['arn', 'etag'] },
        { name: 'registry', to: 'dev/open/r', feeds: ['image', 'etag'] },
        { name: 'whole', to: 'dev/open/w', uses: ['x'], feeds: ['image', 'etag'] },
        { name: 'tagged', to: 'dev/open/t', uses: ['y'], feeds: ['etag'] },
      ],
    },
    {
      title: 'a pointer below the placeholder, and a name that only begins alike',
      type: 'deep',
      references: [bucket],
      config: { settings: value('bucket.arn'), setting: 1 },
      expected: [{ uses: ['arn'], feeds: ['inner'] }],
    },
  ]
  types.deep = [
    { name: 'inner', from: ['/settings/inner'] },
    { name: 'other', from: ['/setting', 'references.bucketful'] },
  ]

  for (const { title, type = 'open', references, config, expected } of cases) {
    it(title, () => {
      const edges = edgesFor({ id: `dev/${type}/me`, references, config }, typeOf)
      assert.deepEqual(edges, { ok: true, value: expected.map((edge) => ({ name: 'bucket', to, ...edge })) })
    })
  }

  it('names a reference that is none', () => {
    const edges = edgesFor({ id: 'dev/open/me', references: [{ name: 'r', component: 'nothing' }] }, typeOf)
    assert.equal(edges.ok, false)
    assert.deepEqual(!edges.ok && edges.failure.reason, 'UnknownComponent')
  })
})

describe('core/graph/edges: changedOutputs', () => {
  const cases: { title: string; outputs?: Output[] | undefined; paths: string[]; expected: 'all' | string[] }[] = [
    { title: 'no type', outputs: undefined, paths: ['/x'], expected: 'all' },
    { title: 'no outputs declared', outputs: [], paths: ['/x'], expected: 'all' },
    { title: 'nothing changed', paths: [], expected: [] },
    { title: 'the pointer itself', paths: ['/name'], expected: ['arn', 'etag'] },
    { title: 'below the pointer', paths: ['/code/0/image'], expected: ['image', 'etag'] },
    { title: 'above the pointer', paths: [''], expected: ['arn', 'image', 'etag'] },
    { title: 'a name that only begins alike', paths: ['/names', '/codec'], expected: ['etag'] },
    { title: 'several', paths: ['/tags', '/code'], expected: ['image', 'etag'] },
    { title: 'a reference was changed', paths: ['/tags', 'references.registry'], expected: 'all' },
  ]
  for (const { title, paths, expected, ...rest } of cases) {
    const outputs = 'outputs' in rest ? rest.outputs : types.function
    it(title, () => assert.deepEqual(changedOutputs(outputs && { outputs }, paths), expected))
  }
})
