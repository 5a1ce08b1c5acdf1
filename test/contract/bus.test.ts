import { makeEmbeddedBus } from '../../operator/adapters/bus-embedded/bus.ts'
import { busContract } from './bus.ts'

busContract('embedded', async () =>
  makeEmbeddedBus({
    after: (ms, run) => {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
    backoff: (failures) => Math.min(20, failures),
    log: { warn() {} },
  }),
)
