/**
 * The machines of a world that loses power, and the nodes on them: how they start, lose power, stop by themselves and are started
 * again, and what is noted down of what they show to anybody.
 */
import type { Block } from '@hearsay/consensus'
import { networkIdOf, peekEvent, toHex, type CryptoSuite } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { createMember, RECORD_EVENT, type MemberEffect } from '@hearsay/node'
import { assembleNode } from '@hearsay/node/process'
import {
  createAgenda,
  createFastSuite,
  createSimulatedDisk,
  type DiskFaults,
  type Survival,
} from '@hearsay/simulator'
import { genesisOf } from '../genesis.ts'
import { seeded } from '../seeded.ts'
import { createPowerLinks } from './power-links.ts'
import { createMachine, failingFiles, type Machine, usedBytes, virtualClock } from './power-machine.ts'

export class Violation extends Error {}

const native = createNativeSuite()
const fast = createFastSuite(native.sha256)
export const dir = '/data'

/** What the disks of a run may do besides losing power. */
type Kind = 'power only' | 'short operations' | 'full disk' | 'i/o errors' | 'rot' | 'misplaced'
interface KindPlan {
  /** Of all seeds. */
  readonly share: number
  readonly faults: Partial<DiskFaults>
  /** With what a node may stop for it. */
  readonly forgivable: readonly string[]
}

const KINDS: Readonly<Record<Kind, KindPlan>> = {
  'power only': { share: 0.64, faults: {}, forgivable: [] },
  'short operations': { share: 0.1, faults: { shortWrite: 0.3, shortRead: 0.3 }, forgivable: [] },
  'full disk': { share: 0.1, faults: { shortWrite: 0.1 }, forgivable: ['E_DISK_FULL'] },
  'i/o errors': {
    share: 0.06,
    faults: { syncError: 0.02, writeError: 0.01, readError: 0.01 },
    // E_DISK: of other files than journal and ledger, and it names them.
    forgivable: ['E_JOURNAL_FAILED', 'E_JOURNAL_READ', 'E_DISK'],
  },
  rot: { share: 0.05, faults: {}, forgivable: ['E_JOURNAL_DAMAGED', 'E_JOURNAL_READ', 'E_JOURNAL_FOREIGN'] },
  misplaced: {
    share: 0.05,
    faults: { misdirectedWrite: 0.02 },
    // If the last group itself went elsewhere and it was killed before the mark, it takes over from its peers what it had made.
    forgivable: ['E_JOURNAL_DAMAGED', 'E_JOURNAL_READ', 'E_JOURNAL_FOREIGN'],
  },
}

const noFaults: Partial<DiskFaults> = {
  shortWrite: 0,
  shortRead: 0,
  readError: 0,
  writeError: 0,
  syncError: 0,
  misdirectedWrite: 0,
  capacityBytes: Infinity,
}

function pickKind(share: number): Kind {
  let sum = 0
  for (const [kind, { share: part }] of Object.entries(KINDS)) {
    sum += part
    if (share < sum) return kind as Kind
  }
  return 'power only'
}

export interface PowerNetwork {
  readonly kind: Kind
  readonly losesPower: boolean
  readonly machines: readonly Machine[]
  /** The one whose disk is bad, where not all of them are. */
  readonly victim: Machine
  readonly receipts: readonly { readonly text: string; readonly position: number }[]
  /** Texts of transactions that were said to have been gossiped. */
  readonly gossiped: ReadonlySet<string>
  readonly halts: readonly string[]
  readonly below: (limit: number) => number
  readonly between: (low: number, high: number) => number
  cuts(): number
  tornTails(): number
  shownEvents(): number
  now(): number
  after(delayMs: number, run: () => void): void
  start(machine: Machine): void
  cut(machine: Machine): void
  /** It stopped by itself, or gave no answer, for this reason. */
  halted(machine: Machine, error: unknown): void
  submit(n: number): void
  /** Notes down what has been acknowledged to clients of this machine. */
  acknowledge(machine: Machine): void
  /** Lets time pass; throws the first violation. */
  run(forMs: number): Promise<void>
  beginFaults(): void
  endFaults(): void
  violation(what: string): Violation
}

export function createPowerNetwork(seed: number): PowerNetwork {
  const chance = seeded(seed)
  const between = (low: number, high: number): number => low + chance() * (high - low)
  const below = (limit: number): number => Math.floor(chance() * limit)
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => below(256))
  const violation = (what: string): Violation => new Violation(`seed ${seed}: ${what}`)
  const kind = pickKind(chance())
  const { forgivable } = KINDS[kind]
  const losesPower = kind !== 'rot' && kind !== 'misplaced'
  // Two are enough to tell what a third one would; where one may be gone for good, the others must be able to go on.
  const size = losesPower ? [2, 2, 2, 3, 3, 4][below(6)]! : 4
  const suite: CryptoSuite = seed % 100 === 0 ? native : fast
  const secretKeys = Array.from({ length: size }, () => bytes(32))
  const genesis = genesisOf(suite, secretKeys, bytes(16))
  const networkId = networkIdOf(genesis, suite.sha256)
  const segmentBytes = 1000 + below(6000)
  const snapshotRounds = 1 + below(12)
  const agenda = createAgenda()
  const rounds: string[] = []
  const shown = new Map<string, string>()
  const receipts: { readonly text: string; readonly position: number }[] = []
  const gossiped = new Set<string>()
  const halts: string[] = []
  let cuts = 0
  let tornTails = 0
  let touched = false
  let found: Violation | undefined
  const slowMs = between(0.1, 8)

  const machines: Machine[] = secretKeys.map((_, index) => {
    const disk = createSimulatedDisk({ random: chance, faults: { syncMs: [0.05, slowMs] } })
    return createMachine(index, disk)
  })
  const links = createPowerLinks(machines, agenda, () => between(0.2, 3))
  /** The one whose disk is bad, where not all of them are. */
  const victim = machines[below(size)]!

  const report = (what: string): void => void (found ??= violation(what))

  /** Only while this life lasts; whoever waits for a promise goes on afterwards. */
  function guarded(machine: Machine): (run: () => void) => void {
    const { life } = machine
    return (run) => {
      if (machine.life !== life) return
      touched = true
      run()
    }
  }

  const filesFor = (machine: Machine): ReturnType<typeof failingFiles> =>
    failingFiles(machine, agenda, guarded(machine), () => lose(machine))

  function watch(machine: Machine, effect: MemberEffect): void {
    if (effect.kind === 'deliver') decided(machine, effect.block)
    if (effect.kind === 'append' && effect.recordKind === RECORD_EVENT && effect.key !== undefined) {
      const { creator, sequence } = peekEvent(effect.bytes)
      // One's own may still be lost: it counts when somebody else has it.
      if (creator !== machine.index + 1) show(creator, sequence, effect.key)
    }
    if (effect.kind === 'serve' || effect.kind === 'final' || effect.kind === 'fail') touched = true
  }

  function show(creator: number, sequence: number, key: string): void {
    const name = `${creator}/${sequence}`
    const other = shown.get(name)
    if (other !== undefined && other !== key)
      report(`self-branch of member ${creator} at sequence ${sequence}`)
    shown.set(name, key)
  }

  function decided(machine: Machine, block: Block): void {
    const hash = toHex(block.hash)
    const known = rounds[block.round - 1]
    if (known === undefined && rounds.length === block.round - 1) rounds.push(hash)
    else if (known !== hash) report(`member ${machine.index + 1} decides round ${block.round} differently`)
  }

  function start(machine: Machine): void {
    machine.life += 1
    machine.state = 'starting'
    machine.operationsLeft = Infinity
    if (losesPower && chance() < 0.15) machine.operationsLeft = below(12)
    const { life, index } = machine
    touched = true
    assembleNode(
      {
        dir,
        genesis,
        networkId,
        self: genesis.members[index]!,
        secretKey: secretKeys[index]!,
        suite,
        files: filesFor(machine),
        clock: virtualClock(agenda, guarded(machine)),
        random: chance,
        randomBytes: bytes,
        narrate: (line) => void (tornTails += line.includes('unfinished bytes') ? 1 : 0),
        createMember: (wishes) => {
          const member = createMember(wishes)
          return {
            ...member,
            step: (input, now) => {
              const effects = member.step(input, now)
              if (machine.life === life) for (const effect of effects) watch(machine, effect)
              return effects
            },
          }
        },
        openTransport: (onEvent) => {
          if (machine.life === life) machine.onEvent = onEvent
          return Promise.resolve(links.transportOf(machine))
        },
        segmentBytes,
        snapshotRounds,
      },
      [],
    ).then(
      (node) => {
        if (machine.life !== life) return
        machine.node = node
        machine.state = 'up'
        void node.failed.then(({ code, message }) => {
          if (machine.life === life) halted(machine, code, message)
        })
        for (const other of machines)
          if (other !== machine && other.state === 'up') links.connect(machine, other)
      },
      (error: unknown) => {
        if (machine.life !== life) return
        halted(machine, String(Object(error).code), String(Object(error).message ?? error))
      },
    )
  }

  /** It stopped by itself. What a later start may mend is started again. */
  function halted(machine: Machine, code: string, message: string): void {
    const known = machine === victim || kind === 'full disk' ? forgivable : []
    if (!known.includes(code)) return report(`member ${machine.index + 1} stops with ${code}: ${message}`)
    if (!message.includes('/data/')) report(`member ${machine.index + 1} stops and names no file: ${message}`)
    halts.push(code)
    end(machine, 'all')
    const again = kind === 'i/o errors' || kind === 'full disk'
    machine.state = again ? 'down' : 'halted'
    if (again) agenda.after(between(5, 100), () => machine.state === 'down' && start(machine))
  }

  /** The power fails in the middle of an operation; the disk settles when the program is out of the way. */
  function lose(machine: Machine): void {
    const survival = survivalOf()
    end(machine, undefined)
    agenda.after(0, () => {
      machine.disk.powerCut(survival)
      afterwards(machine)
    })
  }

  function cut(machine: Machine): void {
    if (machine.state !== 'up' && machine.state !== 'starting') return
    end(machine, survivalOf())
    afterwards(machine)
  }

  function afterwards(machine: Machine): void {
    if (kind === 'rot' && machine === victim && machine.disk.contents().size > 0) machine.disk.rot()
    agenda.after(between(1, 60), () => machine.state === 'down' && start(machine))
  }

  function survivalOf(): Survival {
    if (!losesPower) return 'all'
    const fate = chance()
    return fate < 0.2 ? 'none' : fate < 0.45 ? 'prefix' : fate < 0.9 ? 'any' : 'all'
  }

  function end(machine: Machine, survival: Survival | undefined): void {
    acknowledge(machine)
    cuts += 1
    machine.life += 1
    machine.state = 'down'
    machine.node = undefined
    machine.onEvent = undefined
    machine.open = []
    links.disconnectAll(machine)
    if (survival !== undefined) machine.disk.powerCut(survival)
  }

  function acknowledge(machine: Machine): void {
    for (const { text, submission } of machine.open) if (submission.state() !== 'pending') gossiped.add(text)
  }

  function submit(n: number): void {
    const ups = machines.filter(({ state }) => state === 'up')
    const machine = ups[below(ups.length)]
    if (machine === undefined) return
    const text = `${n}:`.padEnd(3 + below(300), '.')
    const { life } = machine
    const result = machine.node!.submit(new TextEncoder().encode(text))
    if (!result.ok) return
    machine.open.push({ text, submission: result.submission })
    result.submission.final.then(
      ({ position }) => {
        if (machine.life === life) receipts.push({ text, position })
      },
      () => undefined,
    )
  }

  async function run(forMs: number): Promise<void> {
    const untilMs = agenda.now() + forMs
    for (let next = agenda.next(untilMs); next !== undefined; next = agenda.next(untilMs)) {
      next()
      if (touched) {
        touched = false
        // Whoever waits for a promise goes on before the next move.
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (found !== undefined) throw found
    }
  }

  function beginFaults(): void {
    const bad = kind === 'full disk' || kind === 'short operations' ? machines : [victim]
    for (const { disk } of bad) disk.setFaults(KINDS[kind].faults)
    if (kind !== 'full disk') return
    // Some disks fill up for a while.
    for (const { disk } of machines) {
      if (chance() < 0.5) continue
      agenda.after(between(10, 150), () => disk.setFaults({ capacityBytes: usedBytes(disk) + below(3000) }))
      agenda.after(between(300, 2500), () => disk.setFaults({ capacityBytes: Infinity }))
    }
  }

  return {
    kind,
    losesPower,
    machines,
    victim,
    receipts,
    gossiped,
    halts,
    below,
    between,
    cuts: () => cuts,
    tornTails: () => tornTails,
    shownEvents: () => shown.size,
    now: () => agenda.now(),
    after: (delayMs, run) => agenda.after(delayMs, run),
    start,
    cut,
    halted: (machine, error) => {
      halted(machine, String(Object(error).code), String(Object(error).message ?? error))
      if (found !== undefined) throw found
    },
    submit,
    acknowledge,
    run: (forMs) => {
      touched = true
      return run(forMs)
    },
    beginFaults,
    endFaults: () => {
      for (const machine of machines) machine.operationsLeft = Infinity
      for (const { disk } of machines) disk.setFaults(noFaults)
    },
    violation,
  }
}
