import { makeEmbeddedGraph } from '../../operator/adapters/graph-embedded/store.ts'
import { graphStoreContract } from './graph-store.ts'

let epochs = 0

graphStoreContract('embedded', async () => ({
  store: makeEmbeddedGraph({ newEpoch: () => `epoch-${epochs++}` }),
  close: async () => {},
}))
