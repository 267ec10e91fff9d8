/** A machine of a world that loses power: its disk, of which the power may fail at any operation, and its clocks. */
import type { RunningNode, Submission } from '@hearsay/node'
import type { Files } from '@hearsay/node/disk'
import type { Clock, Timer } from '@hearsay/node/process'
import type { Agenda, SimulatedDisk } from '@hearsay/simulator'
import type { LinkEvent } from './power-links.ts'
import { filesOf } from './simulated-files.ts'

export interface Machine {
  readonly index: number
  readonly disk: SimulatedDisk
  /** Counts starts and ends: what an earlier life set going is void. */
  life: number
  state: 'down' | 'starting' | 'up' | 'halted'
  node: RunningNode | undefined
  onEvent: ((event: LinkEvent) => void) | undefined
  /** Counted down by its disk; at 0 the power fails. */
  operationsLeft: number
  open: { readonly text: string; readonly submission: Submission }[]
}

export function createMachine(index: number, disk: SimulatedDisk): Machine {
  const state = 'down'
  return {
    index,
    disk,
    life: 0,
    state,
    node: undefined,
    onEvent: undefined,
    operationsLeft: Infinity,
    open: [],
  }
}

/** The files of this life; `lose` is called when the power fails in the middle of what it does. */
export function failingFiles(
  machine: Machine,
  agenda: Agenda,
  guarded: (run: () => void) => void,
  lose: () => void,
): Files {
  const { life } = machine
  const whole = filesOf(machine.disk, (ms, run) => agenda.after(ms, () => guarded(run)))
  const counted =
    <A extends readonly unknown[], R>(operation: (...args: A) => R): ((...args: A) => R) =>
    (...args) => {
      if (machine.life !== life) throw new Error('the power is off')
      machine.operationsLeft -= 1
      if (machine.operationsLeft < 0) {
        lose()
        throw new Error('the power is off')
      }
      return operation(...args)
    }
  return {
    ...whole,
    open: counted(whole.open),
    write: counted(whole.write),
    truncate: counted(whole.truncate),
    sync: counted(whole.sync),
    syncData: counted(whole.syncData),
    syncDirectory: counted(whole.syncDirectory),
    remove: counted(whole.remove),
  }
}

export function virtualClock(agenda: Agenda, guarded: (run: () => void) => void): Clock {
  const cancelled = new Set<Timer>()
  return {
    monotonicMs: () => 1000 + agenda.now(),
    wallMicros: () => Math.round(1_800_000_000_000_000 + agenda.now() * 1000),
    setTimer: (delayMs, run) => {
      const timer = {} as Timer
      agenda.after(Math.max(1, delayMs), () => {
        if (!cancelled.has(timer)) guarded(run)
      })
      return timer
    },
    clearTimer: (timer) => void (timer !== undefined && cancelled.add(timer)),
  }
}

export function usedBytes(disk: SimulatedDisk): number {
  let used = 0
  for (const content of disk.contents().values()) used += content.length
  return used
}
