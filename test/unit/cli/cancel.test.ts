import assert from 'node:assert/strict'
import type { Phase } from '../../../operator/api/kinds.generated.ts'
import { aChangeRequest } from '../../support/builders.ts'
import { typed } from '../../support/command-line.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

interface Story {
  readonly phase?: Phase
  readonly cancel?: boolean
  /** what it has become after so many looks at it */
  readonly becomes?: { readonly phase: Phase; readonly after: number }
  readonly forbidden?: readonly string[]
}

/** `sleep` moves the clock. */
const run = async (args: string[], { phase, cancel, becomes, forbidden = [] }: Story) => {
  const conditions = [
    { type: 'Succeeded', status: 'False' as const, reason: 'GuardFailed', message: 'no', lastTransitionTime: '' },
  ]
  const request = aChangeRequest({ ...(cancel && { cancel }), ...(phase && { status: { phase, conditions } }) })
  const memory = makeMemoryObjects({ ChangeRequest: [request] }, { forbidden })
  let looks = 0
  memory.onTouch = () => {
    if (becomes && ++looks === becomes.after) request.status = { ...request.status, phase: becomes.phase }
  }
  let clock = 0
  const said = await typed(['cancel', ...args], {
    session: { objects: memory.objects },
    monotonic: () => clock,
    sleep: async (ms) => {
      clock += ms
    },
  })
  return { ...said, written: memory.written }
}

const asked = [{ what: 'patch ChangeRequest dev/wish', body: { spec: { cancel: true } } }]

describe('kubectl karma cancel', () => {
  const cases: [title: string, args: string[], story: Story, code: number, text: RegExp, written: object[]][] = [
    [
      'one that waits',
      ['wish'],
      { phase: 'Queued', becomes: { phase: 'Cancelled', after: 3 } },
      0,
      /^changerequest\.usekarma\.dev\/wish cancelled\n$/,
      asked,
    ],
    [
      'one that nobody has looked at',
      ['kcr/wish'],
      { becomes: { phase: 'Cancelled', after: 4 } },
      0,
      /wish cancelled\n$/,
      asked,
    ],
    [
      'one that was asked already: only waits',
      ['wish'],
      { phase: 'Queued', cancel: true, becomes: { phase: 'Cancelled', after: 2 } },
      0,
      /cancelled/,
      [],
    ],
    ['one that is cancelled already', ['wish'], { phase: 'Cancelled' }, 0, /cancelled/, []],
    ['without waiting', ['wish', '--wait=false'], { phase: 'Queued' }, 0, /wish asked to be cancelled\n$/, asked],
    [
      'one that is being written',
      ['wish'],
      { phase: 'Applying' },
      1,
      /too late to cancel: expected a phase before Applying, found Applying \(GuardFailed\); it will be carried through \(TooLate\)/,
      [],
    ],
    [
      'one that was applied',
      ['wish'],
      { phase: 'Applied' },
      1,
      /found Applied .*; kubectl karma rollback wish -n dev undoes it \(TooLate\)/,
      [],
    ],
    ['one that was rejected', ['wish'], { phase: 'Rejected' }, 1, /found Rejected \(GuardFailed\) \(TooLate\)/, []],
    [
      'one that is written just then',
      ['wish'],
      { phase: 'Queued', becomes: { phase: 'Applying', after: 3 } },
      1,
      /found Applying/,
      asked,
    ],
    [
      'one that nobody takes back',
      ['wish', '--timeout', '2s'],
      { phase: 'Queued' },
      1,
      /expected it to be cancelled within 2s, found that it is not yet; it has been asked for\. Is the operator running\? \(Timeout\)/,
      asked,
    ],
    [
      'without the right',
      ['wish'],
      { phase: 'Queued', forbidden: ['patch ChangeRequest'] },
      1,
      /jo cannot patch ChangeRequest \(Forbidden\)/,
      [],
    ],
    ['one that is not there', ['wush'], {}, 1, /ChangeRequest dev\/wush: expected one of that name, found none/, []],
    ['a Component', ['site/main'], {}, 1, /expected the NAME of a ChangeRequest/, []],
    ['for a while that is none', ['wish', '--timeout', '1w'], {}, 1, /expected a duration such as 90s or 2m/, []],
  ]
  for (const [title, args, story, code, text, written] of cases) {
    it(`${title}: exit code ${code}`, async () => {
      const said = await run(args, story)
      assert.match(code === 0 ? said.out : said.err, text)
      assert.equal(code === 0 ? said.err : said.out, '')
      assert.deepEqual([said.code, said.written], [code, written])
    })
  }
})
