/**
 * What all tests of this run of mocha share, one after the other. It starts for the first who asks, in a hook that may take as
 * long as the first run on a machine, which builds the programs, and is stopped at the end.
 */
export const oncePerRun = <T>(
  title: string,
  start: () => Promise<T>,
  stop: (started: T) => Promise<void>,
): (() => Promise<T>) => {
  let shared: Promise<T> | undefined
  // Of the root suite, because an import at the top of a file runs outside every describe.
  after(`stop ${title}`, async function () {
    this.timeout(60_000)
    const started = await shared?.catch(() => undefined)
    if (started !== undefined) await stop(started)
  })
  return () => {
    shared ??= start()
    return shared
  }
}
