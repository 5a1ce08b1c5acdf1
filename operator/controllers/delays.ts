import type { Timer } from '../ports/timer.ts'
import type { Relay } from './relay.ts'

/** Why events are not on the bus, as Environments say it. */
export interface Delays {
  /** in a sentence, the same as long as it lasts; undefined: they are */
  why(): string | undefined
}

/** One that is over by then is not told of, in milliseconds. */
const shortMs = 1_000

/** `onChange`: there is something else to say, in every Environment. */
export const makeDelays = ({
  relay,
  after,
  onChange,
}: {
  readonly relay: Pick<Relay, 'state' | 'onFailing'>
  readonly after: Timer
  readonly onChange: () => void
}): Delays => {
  let said: string | undefined
  let isDue = false

  const look = (): void => {
    isDue = false
    const found = relay.state().find(({ failure }) => failure !== undefined)?.failure
    if ((found === undefined) === (said === undefined)) return
    said = found
    onChange()
  }
  relay.onFailing(() => {
    if (isDue) return
    isDue = true
    after(shortMs, look)
  })
  return { why: () => said }
}
