// Mocha 12 lets a rejection that nobody handled pass. Thrown, it is an uncaught exception, which fails the test that
// runs.
process.on('unhandledRejection', (reason) => {
  throw reason instanceof Error ? reason : new Error(`unhandled rejection: ${String(reason)}`)
})
