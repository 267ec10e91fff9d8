/** What time it is and what is done later: the system's clocks and timers, so that a simulated world can stand in their place. */

declare const timer: unique symbol
/** A timer that has been set. */
export type Timer = { readonly [timer]: true }

export interface Clock {
  /** Milliseconds that never go back. */
  monotonicMs(): number
  /** Microseconds since the Unix epoch, as far as this machine knows. */
  wallMicros(): number
  /** Runs something once, after at least so many milliseconds. */
  setTimer(delayMs: number, run: () => void): Timer
  /** A timer that has gone off, or undefined: nothing. */
  clearTimer(timer: Timer | undefined): void
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  // The wall clock ticks in milliseconds; the monotonic one gives the rest, so that events of one millisecond differ.
  wallMicros: () => Date.now() * 1_000 + Math.floor((performance.now() * 1_000) % 1_000),
  setTimer: (delayMs, run) => setTimeout(run, delayMs) as unknown as Timer,
  clearTimer: (set) => clearTimeout(set as unknown as NodeJS.Timeout | undefined),
}
