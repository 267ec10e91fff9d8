/** A machine's processor: what comes in is done one thing after the other, and takes time; a pause holds everything up. */
import type { Agenda } from './agenda.ts'

export interface Processor {
  /** Runs something when it is free, in order. */
  run(work: () => void): void
  /** Busy for that much longer. */
  spend(forMs: number): void
  pause(forMs: number): void
  setStepMs(stepMs: number): void
  /** What waits is forgotten: the machine begins again. */
  reset(): void
}

export function createProcessor(agenda: Agenda, usualStepMs: number): Processor {
  const inbox: (() => void)[] = []
  let stepMs = usualStepMs
  let busyUntilMs = 0
  let draining = false
  let life = 0

  const isFree = (): boolean => busyUntilMs <= agenda.now()

  function work(run: () => void): void {
    run()
    if (stepMs > 0) busyUntilMs = Math.max(busyUntilMs, agenda.now()) + stepMs
  }

  function drain(): void {
    draining = true
    const ofLife = life
    agenda.after(Math.max(0, busyUntilMs - agenda.now()), () => {
      if (life !== ofLife) return
      draining = false
      while (inbox.length > 0 && isFree()) work(inbox.shift()!)
      if (inbox.length > 0) drain()
    })
  }

  return {
    run: (next) => {
      if (isFree() && inbox.length === 0) return work(next)
      inbox.push(next)
      if (!draining) drain()
    },
    spend: (forMs) => void (busyUntilMs = Math.max(busyUntilMs, agenda.now()) + forMs),
    pause: (forMs) => void (busyUntilMs = Math.max(busyUntilMs, agenda.now() + forMs)),
    setStepMs: (value) => void (stepMs = value),
    reset: () => {
      inbox.length = 0
      draining = false
      life += 1
      busyUntilMs = agenda.now()
    },
  }
}
