import { setTimeout as sleep } from 'node:timers/promises'

/** One death for several workloads: each waits at its own point until all are there, or patience is over. */
export interface Rendezvous {
  /** `count` more are on their way, or (negative) not any more. */
  expect(count: number): void
  /** Is about to reach its point, and would miss it if the operator died this moment. */
  come(): Arrival
}

export interface Arrival {
  /** At its point. `urgent`: it does not wait for others, for what it holds up would not last. */
  here(urgent: boolean): void
  /** It does not come after all. */
  leave(): void
  /** The operator dies as soon as everybody who is there has said `readyToGo`. */
  readonly goes: Promise<void>
  readonly readyToGo: () => void
  /** The operator is dead. */
  readonly ended: Promise<void>
}

interface Guest {
  readonly decided: PromiseWithResolvers<void>
  readonly goes: PromiseWithResolvers<void>
  readonly ready: PromiseWithResolvers<void>
  readonly ended: PromiseWithResolvers<void>
  isHere: boolean
}

/** How long the first one waits for the others; those about to come; the last for an answer to be handed over; in ms. */
const patienceMs = 4_000
const comingMs = 1_000
const handingMs = 500

export const makeRendezvous = (kill: () => Promise<void>): Rendezvous => {
  const guests = new Set<Guest>()
  let expected = 0
  let isKilling = false
  let patience: NodeJS.Timeout | undefined

  const all = (guest: (one: Guest) => PromiseWithResolvers<void>): Promise<unknown> =>
    Promise.all([...guests].map((one) => guest(one).promise))
  const here = (): Guest[] => [...guests].filter(({ isHere }) => isHere)

  const strike = async (): Promise<void> => {
    clearTimeout(patience)
    await Promise.race([all(({ decided }) => decided), sleep(comingMs)])
    for (const { goes } of here()) goes.resolve()
    await Promise.race([Promise.all(here().map(({ ready }) => ready.promise)), sleep(handingMs)])
    await kill()
    // Who came meanwhile has met the same end.
    isKilling = false
    for (const guest of here()) {
      guests.delete(guest)
      guest.ended.resolve()
    }
  }
  const go = (): void => {
    if (isKilling) return
    isKilling = true
    void strike()
  }

  return {
    expect: (count) => {
      expected += count
      const waiting = here().length
      if (waiting > 0 && waiting >= expected) go()
    },
    come: () => {
      const guest: Guest = {
        decided: Promise.withResolvers(),
        goes: Promise.withResolvers(),
        ready: Promise.withResolvers(),
        ended: Promise.withResolvers(),
        isHere: false,
      }
      guests.add(guest)
      return {
        here: (urgent) => {
          guest.isHere = true
          guest.decided.resolve()
          const waiting = here().length
          if (isKilling) guest.goes.resolve()
          else if (urgent || waiting >= expected) go()
          else if (waiting === 1) patience = setTimeout(go, patienceMs)
        },
        leave: () => {
          guests.delete(guest)
          guest.decided.resolve()
        },
        goes: guest.goes.promise,
        readyToGo: () => guest.ready.resolve(),
        ended: guest.ended.promise,
      }
    },
  }
}
