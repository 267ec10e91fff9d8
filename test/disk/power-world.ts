/**
 * A network of real nodes (engine, gossip, driver, journal, ledger) on simulated disks, clocks and links, which loses power, and more,
 * at random points: between any two operations of a disk and at any time, one node or all at once, also while a node starts.
 * One seed is one run. Whatever must never happen is thrown as a `Violation`:
 *
 *  - an acknowledged transaction is lost or at another place than its receipt says. Acknowledged is what has a receipt, and what was
 *    called `gossiped`;
 *  - two own events of one sequence number are shown to anybody (a self-branch);
 *  - two nodes, or two lives of one, decide a round differently; a disk holds in the end what is not so (silent corruption);
 *  - a node stops by itself, or does not start, though its disk did nothing that it must not forgive (a false alarm).
 *
 * Not asked for: that a bit which rots in the very group that was synced last, in the moment in which the power fails, is told
 * from a torn write. So disks that rot or misplace lose no power; their nodes are killed.
 */
import { peekEvent } from '@hearsay/dag'
import { RECORD_EVENT } from '@hearsay/node'
import { verifyJournal, verifyLedgerFile } from '@hearsay/node/disk'
import type { Machine } from './power-machine.ts'
import { createPowerNetwork, dir, Violation, type PowerNetwork } from './power-network.ts'
import { filesOf } from './simulated-files.ts'

/** A record without a payload. */
const MARK_BYTES = 24

export interface PowerRun {
  readonly kind: string
  readonly cuts: number
  readonly receipts: number
  readonly gossiped: number
  readonly events: number
  readonly tornTails: number
  /** Codes with which nodes stopped for good reason. */
  readonly halts: readonly string[]
}

export async function runPowerWorld(seed: number): Promise<PowerRun> {
  const network = createPowerNetwork(seed)
  const { kind, machines, losesPower, below, between } = network
  for (const machine of machines) network.start(machine)
  await network.run(10)
  network.beginFaults()
  const transactions = 2 + below(5)
  for (let i = 0; i < transactions; i++) network.after(between(0, 220), () => network.submit(i))
  const many = 1 + below(3)
  for (let i = 0; i < many; i++) {
    const all = losesPower && below(5) === 0
    const one = losesPower ? machines[below(machines.length)]! : network.victim
    network.after(between(1, 260), () => {
      for (const machine of all ? machines : [one]) {
        if (losesPower && below(2) === 0) machine.operationsLeft = below(15)
        else network.cut(machine)
      }
    })
  }
  await network.run(300)
  for (const machine of machines) network.acknowledge(machine)
  await settle(network)
  await checkTexts(network)
  for (const machine of machines) if (machine.state === 'up') await checkFiles(network, machine)
  const { receipts, gossiped, halts } = network
  return {
    kind,
    cuts: network.cuts(),
    receipts: receipts.length,
    gossiped: gossiped.size,
    events: network.shownEvents(),
    tornTails: network.tornTails(),
    halts,
  }
}

/** What has to be in everybody's ledger. Of a member whose disk is gone the events that nobody got are gone too. */
function goal({ receipts, gossiped, losesPower }: PowerNetwork): string[] {
  return [...receipts.map(({ text }) => text), ...(losesPower ? gossiped : [])]
}

/** All texts in order, as this node reads them back from its files; undefined while it is not there. */
async function readBack(network: PowerNetwork, machine: Machine): Promise<string[] | undefined> {
  if (machine.node === undefined) return undefined
  const { life } = machine
  try {
    const log = await machine.node.log(0, 100_000)
    return log.map((each) => new TextDecoder().decode(each.bytes))
  } catch (error) {
    // The power failed in the middle of it: that is no fault of the node's.
    if (machine.life === life) network.halted(machine, error)
    return undefined
  }
}

async function isThere(network: PowerNetwork, machine: Machine): Promise<boolean> {
  // Cheap first: while something waits, there is no need to look.
  const status = machine.node?.status()
  if (status !== undefined && status.poolTransactions + status.undecidedEvents > 0) return false
  const texts = new Set(await readBack(network, machine))
  return (
    machine.state === 'halted' || (machine.state === 'up' && goal(network).every((text) => texts.has(text)))
  )
}

/** The disks are sound again: everything that was acknowledged has to come back. */
async function settle(network: PowerNetwork): Promise<void> {
  network.endFaults()
  const untilMs = network.now() + 40_000
  for (;;) {
    await network.run(100)
    let all = true
    for (const machine of network.machines) all &&= await isThere(network, machine)
    if (all) return
    if (network.now() > untilMs) throw network.violation(await whatIsMissing(network))
  }
}

async function whatIsMissing(network: PowerNetwork): Promise<string> {
  const parts: string[] = []
  for (const machine of network.machines) {
    const texts = new Set(await readBack(network, machine))
    const missing = goal(network).filter((text) => !texts.has(text))
    const names = missing.map((text) => text.slice(0, text.indexOf(':'))).join(' ')
    parts.push(`member ${machine.index + 1} (${machine.state}) lacks ${missing.length}: ${names}`)
  }
  return `acknowledged transactions are lost: ${parts.join('; ')}`
}

async function checkTexts(network: PowerNetwork): Promise<void> {
  for (const machine of network.machines) {
    const texts = await readBack(network, machine)
    if (texts === undefined) continue
    const name = `member ${machine.index + 1}`
    if (new Set(texts).size !== texts.length) throw network.violation(`${name} has a transaction twice`)
    const wrong = network.receipts.find(({ text, position }) => texts[position] !== text)
    if (wrong !== undefined) {
      throw network.violation(`${name}: position ${wrong.position} is not what its receipt says`)
    }
  }
}

/** Stopped and read by somebody else: every record sound, no end that is torn, no own sequence number twice. */
async function checkFiles(network: PowerNetwork, machine: Machine): Promise<void> {
  const name = `member ${machine.index + 1}`
  const stopping = { done: false }
  void machine.node!.stop().then(() => (stopping.done = true))
  for (let i = 0; !stopping.done && i < 100; i++) {
    await network.run(10)
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (!stopping.done) throw network.violation(`${name} does not stop`)
  const seen = new Set<number>()
  try {
    const files = filesOf(machine.disk)
    const journal = verifyJournal(
      dir,
      (kind, payload) => {
        if (kind !== RECORD_EVENT) return
        const { creator, sequence } = peekEvent(payload)
        if (creator !== machine.index + 1) return
        if (seen.has(sequence)) throw network.violation(`${name} has two own events ${sequence}`)
        seen.add(sequence)
      },
      files,
    )
    const ledger = verifyLedgerFile(dir, undefined, files)
    // A disk that puts writes elsewhere may have done so with the very last mark: it carries nothing, and the end is named.
    const isMarkGone =
      network.kind === 'misplaced' && machine === network.victim && journal.tornTail?.bytes === MARK_BYTES
    if ((journal.tornTail !== undefined && !isMarkGone) || ledger.tornTail !== undefined)
      throw network.violation(
        `${name} stopped and left a torn end: ${JSON.stringify(journal.tornTail ?? ledger.tornTail)}`,
      )
  } catch (error) {
    if (error instanceof Violation) throw error
    network.halted(machine, error)
  }
}
