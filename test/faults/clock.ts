/*
 * Loaded before the operator (`node --import`), in a process whose clock is to be wrong: KARMA_TEST_CLOCK_RATE is how fast
 * it goes, timers too; KARMA_TEST_CLOCK_JUMP_MS is by how much wall time jumps there and back every two seconds.
 */
const rate = Number(process.env.KARMA_TEST_CLOCK_RATE ?? '1')
const jump = Number(process.env.KARMA_TEST_CLOCK_JUMP_MS ?? '0')

const monotonic = performance.now.bind(performance)
const began = Date.now()
const elapsed = (): number => rate * monotonic()
const jumped = (): number => (Math.floor(monotonic() / 2_000) % 2 === 1 ? jump : 0)

performance.now = elapsed
Date.now = () => Math.round(began + elapsed() + jumped())

const { setTimeout: set } = globalThis
globalThis.setTimeout = Object.assign(
  (run: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => set(run, ms / rate, ...given),
  set,
) as typeof setTimeout
