import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { acquireFolderLock } from '../cluster/folder-lock.ts'

describe('the lock of a folder', () => {
  let folder: string
  const said: string[] = []
  const acquire = (needless = () => false) =>
    acquireFolderLock({ folder, doing: 'building', needless, say: (line) => void said.push(line) })

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'karma-lock-'))
    said.length = 0
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is held by one at a time', async () => {
    let holders = 0
    let most = 0
    let turns = 0
    const turn = async (): Promise<void> => {
      const release = await acquire()
      holders += 1
      turns += 1
      most = Math.max(most, holders)
      await sleep(5)
      holders -= 1
      release()
    }
    await Promise.all([turn(), turn(), turn()])
    assert.deepEqual({ turns, most, left: readdirSync(folder) }, { turns: 3, most: 1, left: [] })
  })

  it('is taken over from a process that is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['--version'])
    writeFileSync(join(folder, `lock,${hostname()},${pid},gone`), '')
    const release = await acquire()
    assert.equal(readdirSync(folder).length, 1)
    release()
    assert.deepEqual(said, [])
  })

  it('is taken over from another host that gave no sign of life for long', async () => {
    const path = join(folder, 'lock,elsewhere,1,silent')
    writeFileSync(path, '')
    const longAgo = new Date(Date.now() - 3_600_000)
    utimesSync(path, longAgo, longAgo)
    const release = await acquire()
    release()
    assert.deepEqual(readdirSync(folder), [])
  })

  it('says whom it waits for, and waits no longer when there is nothing left to build', async () => {
    const other = `lock,elsewhere,4711,building`
    writeFileSync(join(folder, other), '')
    let asked = 0
    const release = await acquire(() => {
      asked += 1
      return asked > 1
    })
    release()
    assert.deepEqual(readdirSync(folder), [other])
    assert.match(said.join('\n'), /waiting for process 4711, which is building/)
  })
})
