// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import type { JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { failure } from '../../../../operator/api/result.ts'
import { strongest, strongestFirst, type Verdict } from '../../../../operator/core/guard/facts.ts'
import { inFlight } from '../../../../operator/core/guard/in-flight.ts'
import { invalidConfig } from '../../../../operator/core/guard/invalid-config.ts'
import { judge } from '../../../../operator/core/guard/list.ts'
import { missingReference } from '../../../../operator/core/guard/missing-reference.ts'
import { outputInUse } from '../../../../operator/core/guard/output-in-use.ts'
import { outputsUnavailable } from '../../../../operator/core/guard/outputs-unavailable.ts'
import { queuedBehind } from '../../../../operator/core/guard/queued-behind.ts'
import { truncated } from '../../../../operator/core/guard/truncated.ts'
import { aComponent, aWorld } from '../../../support/builders.ts'
import { aChange, aCreation, aWhole, says, saysOfAll } from './world.ts'

const site = aComponent('site/main', { config: { size: 1 } })
const refersTo = (component: string, outputs?: string[]) => [{ name: 'to', component, ...(outputs && { outputs }) }]

describe('guard InvalidConfig', () => {
  const types = { site: { configSchema: { type: 'object', properties: { size: { type: 'integer', maximum: 5 } } } } }
  says(invalidConfig, [
    [
      'no ComponentType: every config fits',
      () => aChange(aWorld({ components: [site] }), 'site/main', { size: 'x' }),
      [],
    ],
    [
      'no schema: every config fits',
      () => aChange(aWorld({ components: [site], types: { site: {} } }), 'site/main', { size: 'x' }),
      [],
    ],
    ['it fits', () => aChange(aWorld({ components: [site], types }), 'site/main', { size: 5 }), []],
    [
      'it does not fit',
      () => aChange(aWorld({ components: [site], types }), 'site/main', { size: 6 }),
      ['InvalidConfig Reject InvalidConfig site/main: Component site/main: config.size: expected at most 5, found 6'],
    ],
    [
      'nor as a creation',
      () => aCreation(aWorld({ types }), aComponent('site/new', { config: { size: 'x' }, committed: false })),
      ['InvalidConfig Reject InvalidConfig site/new: Component site/new: config.size: expected integer, found "x"'],
    ],
    [
      'a schema that cannot be used closes the gate',
      () => {
        const configFaults = failure({ reason: 'InvalidSchema', message: 'ComponentType site: no', retry: false })
        return aChange(aWorld({ components: [site], types, configFaults }), 'site/main', { size: 2 })
      },
      ['InvalidConfig Reject InvalidSchema site/main: ComponentType site: no'],
    ],
  ])
})

describe('guard MissingReference', () => {
  const bucket = aComponent('bucket/logs')
  const web = (config: JsonObject, component = 'bucket/logs', outputs?: string[]) =>
    aComponent('web/a', { config, references: refersTo(component, outputs), committed: false })
  const world = aWorld({
    components: [bucket, aComponent('bucket/far', { environment: 'prod' })],
    types: { bucket: { outputs: [{ name: 'arn' }, { name: 'name' }] } },
  })
  says(missingReference, [
    ['it is there', () => aCreation(world, web({}, 'bucket/logs', ['arn'])), []],
    ['it is there, said in full', () => aCreation(world, web({}, 'dev/bucket/logs')), []],
    ['a placeholder that leads somewhere', () => aCreation(world, web({ a: ['x ${to.arn} y'] })), []],
    ['text of another language is none', () => aCreation(world, web({ a: '${HOME} ${a::b} $${no.no}' })), []],
    [
      'it is not there: it may come',
      () => aCreation(world, web({}, 'bucket/none')),
      [
        'MissingReference Reject MissingReference web/a -> dev/bucket/none: Component web/a: spec.references[to].component: expected a committed Component, found none named bucket/none',
      ],
    ],
    [
      'another namespace',
      () => aCreation(world, web({}, 'far/bucket/logs')),
      [
        'MissingReference Reject ForeignReference web/a -> far/bucket/logs: Component web/a: spec.references[to].component: expected a Component that lets namespace dev refer to it (spec.allowedNamespaces), found none named far/bucket/logs',
      ],
    ],
    [
      'a namespace that begins alike',
      () => aCreation(world, web({}, 'dev2/bucket/logs')),
      [
        'MissingReference Reject ForeignReference web/a -> dev2/bucket/logs: Component web/a: spec.references[to].component: expected a Component that lets namespace dev refer to it (spec.allowedNamespaces), found none named dev2/bucket/logs',
      ],
    ],
    [
      'no Component’s name',
      () => aCreation(world, web({}, 'nonsense')),
      [
        'MissingReference Reject MissingReference web/a: Component web/a: spec.references[to].component: expected a committed Component, found none named nonsense',
      ],
    ],
    ['another environment', () => aCreation(world, web({}, 'bucket/far')), []],
    [
      'outputs that its type does not have',
      () => aCreation(world, web({}, 'bucket/logs', ['arn', 'url', 'constructor'])),
      ['url', 'constructor'].map(
        (name) =>
          `MissingReference Reject MissingReference web/a: Component web/a: spec.references[to].outputs: expected an output of ComponentType bucket (arn, name), found ${name}`,
      ),
    ],
    [
      'a placeholder of an output that its type does not have',
      () => aCreation(world, web({ list: [{ 'a/b': '${to.url}' }] })),
      [
        'MissingReference Reject MissingReference web/a: Component web/a: spec.config/list/0/a~1b: expected an output of ComponentType bucket (arn, name), found url',
      ],
    ],
    [
      'a placeholder of no reference',
      () => aCreation(world, web({ a: '${other.arn}', b: '${__proto__.x}' })),
      [
        '/a: expected one of its references (to), found ${other.arn}',
        '/b: expected one of its references (to), found ${__proto__.x}',
      ].map((said) => `MissingReference Reject MissingReference web/a: Component web/a: spec.config${said}`),
    ],
    [
      'a placeholder without any reference',
      () => aCreation(world, aComponent('web/a', { config: { a: '${to.arn}' }, committed: false })),
      [
        'MissingReference Reject MissingReference web/a: Component web/a: spec.config/a: expected one of its references (none), found ${to.arn}',
      ],
    ],
  ])
})

describe('guard OutputsUnavailable', () => {
  const reader = (references: ReturnType<typeof refersTo>, config = {}) => aComponent('web/a', { config, references })
  const world = (outputs: JsonObject | undefined, web = reader(refersTo('bucket/logs', ['arn']))) =>
    aWorld({ components: [web, aComponent('bucket/logs', { ...(outputs && { outputs }) })] })
  says(outputsUnavailable, [
    ['it reads none', () => aChange(world(undefined, reader(refersTo('bucket/logs'))), 'web/a', { x: 1 }), []],
    ['reported', () => aChange(world({ arn: 'a' }), 'web/a', { x: 1 }), []],
    ['reported as null is reported', () => aChange(world({ arn: null }), 'web/a', { x: 1 }), []],
    [
      'not reported',
      () => aChange(world({ url: 'u', name: 'n' }), 'web/a', { x: 1 }),
      [
        'OutputsUnavailable Queue OutputsUnavailable bucket/logs -> dev/bucket/logs: Component bucket/logs: status.outputs: expected arn to be reported (web/a reads it as to), found name, url',
      ],
    ],
    [
      'what the new config reads counts, not what the old one read',
      () =>
        aChange(world({ arn: 'a' }, reader(refersTo('bucket/logs'), { x: '${to.old}' })), 'web/a', { x: '${to.new}' }),
      [
        'OutputsUnavailable Queue OutputsUnavailable bucket/logs -> dev/bucket/logs: Component bucket/logs: status.outputs: expected new to be reported (web/a reads it as to), found arn',
      ],
    ],
    [
      'nothing was ever reported, and a name that every object has',
      () => aChange(world(undefined, reader(refersTo('bucket/logs', ['constructor']))), 'web/a', {}),
      [
        'OutputsUnavailable Queue OutputsUnavailable bucket/logs -> dev/bucket/logs: Component bucket/logs: status.outputs: expected constructor to be reported (web/a reads it as to), found none',
      ],
    ],
    [
      'a reference that leads nowhere is another guard’s',
      () =>
        aCreation(aWorld(), aComponent('web/a', { references: refersTo('bucket/none', ['arn']), committed: false })),
      [],
    ],
  ])
})

describe('guard OutputInUse', () => {
  const config = { name: 'n', sharing: { with: ['x'] } }
  const types = {
    bucket: {
      outputs: [
        { name: 'arn', from: ['/name', '/alias'] },
        { name: 'shared', from: ['/sharing/with'] },
      ],
    },
  }
  const world = (outputs?: string[], webConfig: JsonObject = {}) =>
    aWorld({
      components: [
        aComponent('bucket/b', { config }),
        aComponent('lambda/z', { references: refersTo('bucket/b', outputs), config: webConfig }),
        aComponent('lambda/y', { references: refersTo('bucket/other', ['shared']) }),
      ],
      types,
    })
  const inUse =
    'OutputInUse Reject OutputInUse lambda/z: Component bucket/b: output shared would vanish (it is made from /sharing/with), but lambda/z uses it through its reference to; change lambda/z first'
  says(outputInUse, [
    ['nothing vanishes', () => aChange(world(['shared']), 'bucket/b', { ...config, sharing: { with: [] } }), []],
    ['it vanishes, and is used', () => aChange(world(['shared']), 'bucket/b', { name: 'n' }), [inUse]],
    [
      'used in config alone',
      () => aChange(world(undefined, { a: '${to.shared}' }), 'bucket/b', { name: 'n' }),
      [inUse],
    ],
    ['a reference that names no output may use all', () => aChange(world(), 'bucket/b', { name: 'n' }), [inUse]],
    ['only others are used', () => aChange(world(['arn']), 'bucket/b', { name: 'n' }), []],
    [
      'one of its two sources was never there, the other goes',
      () => aChange(world(['arn']), 'bucket/b', { sharing: config.sharing }),
      [
        'OutputInUse Reject OutputInUse lambda/z: Component bucket/b: output arn would vanish (it is made from /name, /alias), but lambda/z uses it through its reference to; change lambda/z first',
      ],
    ],
    ['another source comes in its place', () => aChange(world(['arn']), 'bucket/b', { alias: 'a' }), []],
    [
      'nobody refers to it',
      () => aChange(aWorld({ components: [aComponent('bucket/b', { config })], types }), 'bucket/b', {}),
      [],
    ],
    ['a creation takes nothing away', () => aCreation(world(), aComponent('bucket/new', { committed: false })), []],
  ])

  it('names some of many', () => {
    const lambdas = Array.from({ length: 5_000 }, (_, i) =>
      aComponent(`lambda/l${i}`, { references: refersTo('bucket/b') }),
    )
    const many = aWorld({ components: [aComponent('bucket/b', { config }), ...lambdas], types })
    assert.equal(outputInUse(aChange(many, 'bucket/b', {})).length, 32)
  })
})

describe('guard InFlight', () => {
  const components = [site, aComponent('cdn/c', { references: refersTo('site/main') }), aComponent('dns/d')]
  const world = (...affected: string[][]) =>
    aWorld({
      components,
      inFlight: affected.map((ids, i) => ({ object: `changerequest/r${i}`, affected: new Set(ids) })),
    })
  const held = (by: number) =>
    `InFlight Queue InFlight changerequest/r${by} -> changerequest/r${by}: Component site/main: changerequest/r${by} affects the same Components and has not finished`
  saysOfAll(inFlight, [
    ['nothing is on its way', () => aWhole(world(), 'site/main', { size: 2 }), []],
    ['on its way elsewhere', () => aWhole(world(['dev/dns/d'], []), 'site/main', { size: 2 }), []],
    ['the same Component', () => aWhole(world(['dev/dns/d'], ['dev/site/main']), 'site/main', { size: 2 }), [held(1)]],
    ['a Component that both affect', () => aWhole(world(['dev/cdn/c']), 'site/main', { size: 2 }), [held(0)]],
    ['a change that alters nothing affects nobody', () => aWhole(world(['dev/cdn/c']), 'site/main', { size: 1 }), []],
  ])
})

describe('guard QueuedBehind', () => {
  const ahead = { 'dev/site/main': 'changerequest/first' }
  saysOfAll(queuedBehind, [
    ['nobody waits', () => aWhole(aWorld({ components: [site] }), 'site/main', { size: 2 }), []],
    [
      'an earlier one waits with the same Component',
      () => aWhole(aWorld({ components: [site], ahead }), 'site/main', { size: 2 }),
      [
        'QueuedBehind Queue QueuedBehind changerequest/first -> changerequest/first: Component site/main: changerequest/first was asked for earlier, changes the same Component and waits',
      ],
    ],
  ])
})

describe('guard Truncated', () => {
  const components = [
    site,
    aComponent('cdn/a', { references: refersTo('site/main') }),
    aComponent('cdn/b', { references: refersTo('site/main') }),
  ]
  const cut =
    'Component site/main: the impact was cut off: impact: expected to find all of it, the search stopped at maxReached = 1 with 1 Components reached; raise the limit or narrow the change'
  const limits = { maxReached: 1 }
  saysOfAll(truncated, [
    ['it is whole', () => aWhole(aWorld({ components }), 'site/main', {}), []],
    [
      'cut off',
      () => aWhole(aWorld({ components, limits }), 'site/main', {}),
      [`Truncated Reject Truncated site/main: ${cut}`],
    ],
    [
      'cut off, and allowed to be',
      () => aWhole(aWorld({ components, limits, environment: { allowTruncatedImpact: true } }), 'site/main', {}),
      [`Truncated Warn Truncated site/main: ${cut}`],
    ],
  ])
})

describe('all guards', () => {
  it('without anything to say let the change pass', () => {
    const world = aWorld({ components: [site] })
    const verdicts = judge([aChange(world, 'site/main', { size: 2 })], aWhole(world, 'site/main', { size: 2 }))
    assert.deepEqual(verdicts, [])
    assert.equal(strongest(verdicts), 'Allow')
  })

  it('speak in the order in which people read them', () => {
    const world = aWorld({
      components: [
        aComponent('site/main', {
          config: { a: 1 },
          references: [...refersTo('bucket/none'), { name: 'b', component: 'bucket/b', outputs: ['arn'] }],
        }),
        aComponent('bucket/b'),
        aComponent('cdn/c', { references: refersTo('site/main') }),
      ],
      types: {
        site: { configSchema: { type: 'object', additionalProperties: false }, outputs: [{ name: 'o', from: ['/a'] }] },
      },
      environment: { guards: [{ name: 'never', expression: 'false', verdict: 'Warn' }] },
      inFlight: [{ object: 'changerequest/x', affected: new Set(['dev/site/main']) }],
      ahead: { 'dev/site/main': 'changerequest/y' },
      limits: { maxReached: 0 },
    })
    const after = { b: 'x'.repeat(33_000) }
    const verdicts = judge([aChange(world, 'site/main', after)], aWhole(world, 'site/main', after))
    assert.deepEqual(
      verdicts.map(({ guard }) => guard),
      [
        'TooLarge',
        'InvalidConfig',
        'MissingReference',
        'OutputInUse',
        'never',
        'OutputsUnavailable',
        'Truncated',
        'InFlight',
        'QueuedBehind',
      ],
    )
    assert.equal(strongest(verdicts), 'Reject')
  })

  it('the strongest wins, and stands first', () => {
    const said = (verdict: Verdict['verdict']): Verdict => ({
      guard: verdict,
      verdict,
      reason: 'GuardFailed',
      message: '',
    })
    const all = (['Warn', 'Queue', 'Allow', 'Reject', 'Queue', 'RequireApproval'] as const).map(said)
    assert.deepEqual(
      [[], all.slice(2, 3), all.slice(0, 1), [all[5]!, all[0]!], all.slice(0, 3), all].map((said) => strongest(said)),
      ['Allow', 'Allow', 'Warn', 'RequireApproval', 'Queue', 'Reject'],
    )
    assert.deepEqual(
      strongestFirst(all, 5).map(({ verdict }) => verdict),
      ['Reject', 'Queue', 'Queue', 'RequireApproval', 'Warn'],
    )
  })
})
