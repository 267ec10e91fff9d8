/** Does to a fleet what the schedule says, and undoes it; says where a node behaved otherwise than it has to. */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { OPEN_LINK } from '../../packages/cli/src/index.ts'
import type { Run } from '../network/command.ts'
import type { Fleet } from '../network/fleet.ts'
import type { Fault } from './schedule.ts'
import { molest } from './strangers.ts'

const STROBE_MS = 250
/** What a node writes and can lose. */
const STATE = ['journal', 'ledger', 'snapshots']

export interface Nemesis {
  apply(fault: Fault): Promise<void>
  /** Undoes it; nodes that were down have been started when it resolves, not all of them are ready. */
  lift(fault: Fault): Promise<void>
  /** What came of faults that may end in more than one way. */
  readonly outcomes: Readonly<Record<string, number>>
}

export interface NemesisOptions {
  readonly fleet: Fleet
  readonly clockFile: (name: string) => string
  readonly violate: (check: string, message: string) => void
}

/** Sorted, so that the share of a seed means the same file. */
function filesOf(dir: string): string[] {
  return STATE.flatMap((folder) => {
    const path = join(dir, folder)
    if (!existsSync(path)) return []
    return readdirSync(path)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((name) => join(path, name))
  }).filter((path) => statSync(path).size > 0)
}

/** Fills the file system to the last byte. */
function fill(dir: string): void {
  const descriptor = openSync(join(dir, 'ballast'), 'a')
  try {
    for (let size = 1024 * 1024; size >= 1;) {
      try {
        if (writeSync(descriptor, new Uint8Array(size)) < size) size = Math.floor(size / 2)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        size = Math.floor(size / 2)
      }
    }
  } finally {
    closeSync(descriptor)
  }
}

const describe = (run: Run): string => `${run.code ?? run.signal} ${run.err.slice(-2_000)}`

export function createNemesis({ fleet, clockFile, violate }: NemesisOptions): Nemesis {
  const outcomes: Record<string, number> = {}
  const undo = new Map<Fault, () => void | Promise<void>>()
  const count = (outcome: string): void => void (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1)

  /** It must come up. */
  async function mustStart(name: string, why: string): Promise<void> {
    const ended = await fleet.start(name)
    if (ended !== 'up') violate('start', `${name} does not start ${why}: ${describe(ended)}`)
  }

  async function damage(fault: Fault & { kind: 'damage' }): Promise<void> {
    const { victim, file, at, bit } = fault
    await fleet.kill(victim)
    const files = filesOf(fleet.node(victim).dir)
    const path = files[Math.floor(file * files.length)]
    if (path === undefined) return undo.set(fault, () => mustStart(victim, 'with no files')) && undefined
    const sound = readFileSync(path)
    const place = Math.floor(at * sound.length)
    const damaged = Buffer.from(sound)
    damaged[place]! ^= 1 << bit
    writeFileSync(path, damaged)
    undo.set(fault, async () => {
      const ended = await fleet.start(victim)
      if (ended === 'up') return count('damage: came up')
      const name = path.slice(path.lastIndexOf('/') + 1)
      const isTold = ended.code === 65 && ended.err.includes(name)
      if (isTold) count('damage: halted with the file named')
      else violate('damage', `${path}, byte ${place}, bit ${bit}: ${describe(ended)}`)
      writeFileSync(path, sound)
      await mustStart(victim, `with ${path} restored`)
    })
  }

  async function wipe(fault: Fault & { kind: 'wipe' }): Promise<void> {
    const { victim } = fault
    await fleet.kill(victim)
    for (const folder of STATE) rmSync(join(fleet.node(victim).dir, folder), { recursive: true, force: true })
    undo.set(fault, () => mustStart(victim, 'after it was wiped'))
  }

  async function oldImage(fault: Fault & { kind: 'old-image' }): Promise<void> {
    const { victim } = fault
    const { dir } = fleet.node(victim)
    const image = `${dir}.image`
    const newer = `${dir}.newer`
    await fleet.kill(victim)
    mkdirSync(image)
    for (const folder of STATE)
      if (existsSync(join(dir, folder))) cpSync(join(dir, folder), join(image, folder), { recursive: true })
    await mustStart(victim, 'after it was copied')
    const exchange = (from: string, to: string): void => {
      mkdirSync(to, { recursive: true })
      for (const folder of STATE) {
        if (existsSync(join(dir, folder))) renameSync(join(dir, folder), join(to, folder))
        if (existsSync(join(from, folder))) cpSync(join(from, folder), join(dir, folder), { recursive: true })
      }
    }
    undo.set(fault, async () => {
      await fleet.kill(victim)
      exchange(image, newer)
      const ended = await fleet.start(victim)
      if (ended === 'up') count('old image: came up')
      else {
        if (ended.code === 78) count('old image: stopped with status 78')
        else violate('old-image', `${victim}: ${describe(ended)}`)
        exchange(newer, `${dir}.stopped`)
        await mustStart(victim, 'with its newer directory')
      }
      for (const each of [image, newer, `${dir}.stopped`]) rmSync(each, { recursive: true, force: true })
    })
  }

  function setClock(fault: Fault & { kind: 'clock' }): void {
    const set = (offsetMs: number): void => {
      for (const name of fault.victims) writeFileSync(clockFile(name), String(offsetMs))
    }
    set(fault.offsetMs)
    let sign = 1
    const timer = fault.strobe
      ? setInterval(() => set(fault.offsetMs * (sign = -sign)), STROBE_MS)
      : undefined
    undo.set(fault, () => {
      clearInterval(timer)
      set(0)
    })
  }

  async function doubleRun(victim: string): Promise<void> {
    const second = await fleet.startSecond(victim)
    if (second.code === 69 && second.err.includes('E_DIR_LOCKED')) return count('double run: refused')
    violate('double-run', `a second process on ${fleet.node(victim).dir}: ${describe(second)}`)
  }

  function onLinks(fault: Fault): void {
    if (fault.kind === 'part') for (const [a, b] of fault.pairs) fleet.links.set(a, b, { state: fault.state })
    else if (fault.kind === 'one-way')
      for (const [a, b] of fault.pairs) fleet.links.set(a, b, { stalled: 'to-target' })
    else if ('change' in fault) for (const [a, b] of fault.pairs) fleet.links.set(a, b, fault.change)
    undo.set(fault, () => fleet.links.setAll(OPEN_LINK))
  }

  async function apply(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        await Promise.all(fault.victims.map((name) => fleet.kill(name)))
        return void undo.set(fault, () => {
          for (const name of fault.victims) fleet.spawn(name)
        })
      case 'pause':
        for (const name of fault.victims) fleet.signal(name, 'SIGSTOP')
        return void undo.set(fault, () => {
          for (const name of fault.victims) fleet.signal(name, 'SIGCONT')
        })
      case 'damage':
        return damage(fault)
      case 'wipe':
        return wipe(fault)
      case 'old-image':
        return oldImage(fault)
      case 'disk-full': {
        const { dir } = fleet.node(fault.victim)
        fill(dir)
        return void undo.set(fault, () => rmSync(join(dir, 'ballast')))
      }
      case 'clock':
        return setClock(fault)
      case 'double-run':
        return doubleRun(fault.victim)
      case 'hostile': {
        const ports = fault.victims.flatMap((name) => [fleet.node(name).apiPort, fleet.node(name).gossipPort])
        return void undo.set(fault, molest(ports, fault.seed))
      }
      default:
        return onLinks(fault)
    }
  }

  return {
    apply,
    lift: async (fault) => {
      await undo.get(fault)?.()
      undo.delete(fault)
    },
    outcomes,
  }
}

/** A small file system in memory at this folder; the function that is returned takes it away, undefined where it cannot be had. */
export function mountSmallDisk(dir: string, sizeMiB: number): (() => void) | undefined {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0700`, 'hearsay-chaos', dir], {
      stdio: 'ignore',
    })
  } catch {
    // Not root, or no such system: the run says that this fault was left out.
    return undefined
  }
  return () => execFileSync('umount', [dir], { stdio: 'ignore' })
}

/** There is space again on what `mountSmallDisk` made. */
export function growSmallDisk(dir: string, sizeMiB: number): void {
  execFileSync('mount', ['-o', `remount,size=${sizeMiB}m`, dir], { stdio: 'ignore' })
}
