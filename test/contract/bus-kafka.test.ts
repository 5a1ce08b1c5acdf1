import { makeKafkaBus } from '../../operator/adapters/bus-kafka/bus.ts'
import { systemClock } from '../../operator/runtime/clock.ts'
import { type Broker, startBroker } from '../cluster/kafka.ts'
import { busContract } from './bus.ts'

let broker: Broker
let made = 0

before('start Apache Kafka', async function () {
  this.timeout(10 * 60_000)
  broker = await startBroker()
})
after('stop Apache Kafka', () => broker?.close())

const clock = systemClock()

busContract(
  'Apache Kafka',
  async () =>
    makeKafkaBus({
      settings: { brokers: [broker.address] },
      // Topics of its own for each.
      prefix: `t${made++}.`,
      clock,
      backoff: (failures) => Math.min(50, 10 * failures),
      log: { debug() {}, info() {}, warn() {}, error() {} },
    }),
  { runs: 12 },
)
