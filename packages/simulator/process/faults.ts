/** Makes the faults of a scenario happen when they are due, and mends all of them at the end of the storm. */
import type { DiskFaults } from '../src/disk.ts'
import { soundDisk } from '../src/disk.ts'
import { SMOOTH } from '../src/links.ts'
import type { Fault } from '../src/scenario.ts'
import type { Machine } from './machine.ts'
import type { World } from './world.ts'

export interface Faults {
  start(): void
  /** All is mended, and who is down comes back. */
  end(): void
}

/** Whoever stopped by itself for its disk's sake is started again after this, by its operator. */
const OPERATOR_MS = 700

export function scheduleFaults(world: World): Faults {
  const { scenario } = world
  const undo = new Set<() => void>()
  /** Machines that are to be down for now. */
  const down = new Set<Machine>()
  const images = new Map<Fault, ReadonlyMap<string, Uint8Array>>()
  const honest = (member: number): Machine | undefined =>
    world.isLiar(member) ? undefined : world.machines.find((machine) => machine.memberId === member)

  /** Begins something that ends by itself, or at the end of the storm. */
  function during(forMs: number, begin: () => void, end: () => void): void {
    const once = (): void => {
      if (undo.delete(once)) end()
    }
    undo.add(once)
    begin()
    world.after(forMs, once)
  }

  function happen(fault: Fault): void {
    world.mark(`fault: ${fault.kind}`)
    switch (fault.kind) {
      case 'cut':
        return cut(fault)
      case 'crash':
        return crash(fault)
      case 'stop': {
        const machine = honest(fault.member)
        if (machine?.isRunning() !== true) return
        machine.stop()
        return during(
          fault.forMs,
          () => void down.add(machine),
          () => revive(machine),
        )
      }
      case 'pause':
        return honest(fault.member)?.pause(fault.forMs)
      case 'clock':
        return honest(fault.member)?.jumpClock(fault.jumpMs)
      case 'disk': {
        const machine = honest(fault.member)
        if (machine === undefined) return
        const sound: Partial<DiskFaults> = {
          ...soundDisk,
          syncMs: scenario.members[fault.member - 1]!.syncMs,
        }
        return during(
          fault.forMs,
          () => machine.disk.setFaults(fault.faults),
          () => machine.disk.setFaults(sound),
        )
      }
      case 'slow': {
        const machine = honest(fault.member)
        const usual = scenario.members[fault.member - 1]!.stepMs
        return during(
          fault.forMs,
          () => machine?.setStepMs(fault.stepMs),
          () => machine?.setStepMs(usual),
        )
      }
      case 'thin':
        return during(
          fault.forMs,
          () => world.links.setThin(fault.member - 1, fault.bytesPerMs),
          () => world.links.setThin(fault.member - 1, Infinity),
        )
      case 'rough':
        return during(
          fault.forMs,
          () => world.links.setRough(fault),
          () => world.links.setRough(SMOOTH),
        )
      case 'far':
        return during(
          fault.forMs,
          () => void (world.conditions.factor = fault.factor),
          () => void (world.conditions.factor = 1),
        )
      case 'split':
        return during(
          fault.forMs,
          () => void (world.conditions.split = fault),
          () => void (world.conditions.split = undefined),
        )
    }
  }

  function cut({ from, to, both, forMs }: Extract<Fault, { kind: 'cut' }>): void {
    const ways = from.flatMap((a) =>
      to.flatMap((b) =>
        both
          ? [
              [a, b],
              [b, a],
            ]
          : [[a, b]],
      ),
    ) as [number, number][]
    during(
      forMs,
      () => {
        for (const [a, b] of ways) world.links.cut(a - 1, b - 1)
      },
      () => {
        for (const [a, b] of ways) world.links.mend(a - 1, b - 1)
      },
    )
  }

  function crash(fault: Extract<Fault, { kind: 'crash' }>): void {
    const machine = honest(fault.member)
    if (machine === undefined || !machine.isUp()) return
    machine.crash(fault.survival)
    world.mark(`crash: ${fault.survival}`)
    if (fault.image === 'old') machine.replaceDisk(images.get(fault) ?? new Map())
    if (fault.image === 'none') machine.replaceDisk(new Map())
    if (fault.image !== 'own') world.mark(`image: ${fault.image}`)
    if (fault.rot && machine.disk.rot() !== undefined) world.mark('bit rot')
    during(
      fault.forMs,
      () => void down.add(machine),
      () => revive(machine),
    )
  }

  function revive(machine: Machine): void {
    down.delete(machine)
    if (!machine.isUp()) machine.boot()
  }

  /** Looks after members that have stopped by themselves: most troubles of a disk end with a new start. */
  function operate(): void {
    world.after(OPERATOR_MS, operate)
    for (const machine of world.machines) {
      if (machine.isUp() || down.has(machine) || machine.lives() === 0) continue
      if (world.isLiar(machine.memberId)) {
        machine.replaceDisk(new Map())
        machine.boot()
      } else if (machine.failure() === undefined || !world.isSuspect(machine.memberId)) machine.boot()
    }
  }

  return {
    start: () => {
      operate()
      for (const fault of scenario.faults) {
        if (fault.kind === 'crash' && fault.image === 'old') {
          world.after(Math.max(0, fault.atMs - fault.ageMs), () => {
            const machine = honest(fault.member)
            if (machine !== undefined) images.set(fault, machine.disk.contents())
          })
        }
        world.after(fault.atMs, () => {
          if (world.isStorm()) happen(fault)
        })
      }
    },
    end: () => {
      for (const each of undo) each()
    },
  }
}
