/**
 * Links between machines: who is connected with whom, how long frames take, and what a bad network does to them. A link is as a
 * TCP connection is: in order and complete while it lasts; silence for long, or the end of a machine, ends it, and it is
 * dialled again. Only under the fault `rough` are frames lost, doubled or overtaken one by one, the greeting excepted.
 *
 * Machines are numbers: two of them may act for one member (twins).
 */
import type { Agenda } from './agenda.ts'
import type { Random } from './random.ts'

export type LinkEvent =
  | { readonly kind: 'opened'; readonly link: number; readonly from: number }
  | { readonly kind: 'frame'; readonly link: number; readonly bytes: Uint8Array }
  | { readonly kind: 'closed'; readonly link: number; readonly from: number; readonly reason: string }
  | { readonly kind: 'drained'; readonly link: number }

export interface LinksOptions {
  readonly agenda: Agenda
  readonly random: Random
  /** How long a frame takes now. */
  readonly delayMs: (from: number, to: number) => number
  /** Whether these two talk to each other at all. */
  readonly areWanted: (a: number, b: number) => boolean
  readonly deliver: (to: number, event: LinkEvent) => void
  /** A frame has arrived. */
  readonly onFrame: (from: number, to: number, bytes: Uint8Array) => void
}

export interface Roughness {
  readonly loss: number
  readonly twice: number
  readonly overtake: number
}

export const SMOOTH: Roughness = { loss: 0, twice: 0, overtake: 0 }

export interface Links {
  /** The machine is there now and dials, or is dialled. */
  start(machine: number): void
  /** The machine is gone: its peers hear of it soon, or only by its silence. */
  end(machine: number, silently: boolean): void
  send(from: number, link: number, frame: Uint8Array, extraMs?: number): void
  close(from: number, link: number, reason: string): void
  bufferedBytes(from: number, link: number): number
  /** Who is at the other end of a link. */
  peerOf(machine: number, link: number): number | undefined
  linkTo(machine: number, peer: number): number | undefined
  /** Counted: two cuts of the same direction need two mendings. */
  cut(from: number, to: number): void
  mend(from: number, to: number): void
  /** Whom a machine wants to talk to has changed. */
  reconsider(machine: number): void
  setRough(rough: Roughness): void
  setThin(machine: number, bytesPerMs: number): void
}

interface Way {
  readonly from: number
  readonly to: number
  cuts: number
  cutSinceMs: number
  lastArrivalMs: number
  /** Nothing arrives before the greeting. */
  helloAtMs: number
  /** When what was sent so far has left. */
  freeAtMs: number
  waitingBytes: number
  wasFull: boolean
  held: { readonly frame: Uint8Array; readonly extraMs: number }[]
}

interface Pair {
  readonly a: number
  readonly b: number
  readonly ways: readonly [Way, Way]
  up: boolean
  /** Counts links: what belongs to an earlier one is void. */
  epoch: number
  /** The link's number at either end; 0 if that end knows of none. */
  linkA: number
  linkB: number
  dialling: boolean
}

const FULL_BYTES = 1024 * 1024
const DRAINED_BYTES = 256 * 1024
const HELLO = 1

/** Frames in CBOR are arrays, whose first item says what they are. */
const isPlain = (frame: Uint8Array): boolean => frame[0]! >= 0x80
const isHello = (frame: Uint8Array): boolean => isPlain(frame) && frame[1] === HELLO

const way = (from: number, to: number): Way => ({
  from,
  to,
  cuts: 0,
  cutSinceMs: 0,
  lastArrivalMs: 0,
  helloAtMs: 0,
  freeAtMs: 0,
  waitingBytes: 0,
  wasFull: false,
  held: [],
})

export function createLinks(size: number, options: LinksOptions): Links {
  const { agenda, random } = options
  const running = new Set<number>()
  const pairs = new Map<number, Pair>()
  const byLink: Map<number, Pair>[] = Array.from({ length: size }, () => new Map())
  const thin = new Float64Array(size).fill(Infinity)
  let rough = SMOOTH
  let nextLink = 1

  function pairOf(one: number, other: number): Pair {
    const a = Math.min(one, other)
    const b = Math.max(one, other)
    const key = a * size + b
    let pair = pairs.get(key)
    if (pair === undefined) {
      const ways = [way(a, b), way(b, a)] as const
      pair = { a, b, ways, up: false, epoch: 0, linkA: 0, linkB: 0, dialling: false }
      pairs.set(key, pair)
    }
    return pair
  }

  const wayOf = (pair: Pair, from: number): Way => pair.ways[from === pair.a ? 0 : 1]
  const linkAt = (pair: Pair, machine: number): number => (machine === pair.a ? pair.linkA : pair.linkB)
  const otherOf = (pair: Pair, machine: number): number => (machine === pair.a ? pair.b : pair.a)

  function dial(pair: Pair, delayMs: number): void {
    if (pair.dialling || pair.up) return
    pair.dialling = true
    agenda.after(delayMs, () => {
      pair.dialling = false
      if (pair.up || !running.has(pair.a) || !running.has(pair.b)) return
      if (!options.areWanted(pair.a, pair.b)) return
      if (pair.ways[0].cuts > 0 || pair.ways[1].cuts > 0) dial(pair, random.between(200, 1_000))
      else open(pair)
    })
  }

  function open(pair: Pair): void {
    // Whoever has not noticed yet that the last one is over does now.
    forget(pair, pair.a, 'replaced')
    forget(pair, pair.b, 'replaced')
    pair.up = true
    pair.epoch += 1
    pair.linkA = nextLink++
    pair.linkB = nextLink++
    byLink[pair.a]!.set(pair.linkA, pair)
    byLink[pair.b]!.set(pair.linkB, pair)
    for (const each of pair.ways) {
      each.lastArrivalMs = agenda.now()
      each.freeAtMs = agenda.now()
      each.waitingBytes = 0
      each.wasFull = false
      each.held = []
    }
    options.deliver(pair.a, { kind: 'opened', link: pair.linkA, from: pair.b })
    options.deliver(pair.b, { kind: 'opened', link: pair.linkB, from: pair.a })
  }

  /** One end hears that the link is over. */
  function forget(pair: Pair, machine: number, reason: string): void {
    const link = linkAt(pair, machine)
    if (link === 0) return
    byLink[machine]!.delete(link)
    if (machine === pair.a) pair.linkA = 0
    else pair.linkB = 0
    if (running.has(machine))
      options.deliver(machine, { kind: 'closed', link, from: otherOf(pair, machine), reason })
  }

  function tearDown(pair: Pair, first: number, reason: string, otherAfterMs: number): void {
    if (!pair.up) return
    pair.up = false
    const { epoch } = pair
    const other = otherOf(pair, first)
    forget(pair, first, reason)
    agenda.after(otherAfterMs, () => {
      if (pair.epoch === epoch) forget(pair, other, reason)
    })
    dial(pair, random.between(100, 600))
  }

  function send(from: number, link: number, frame: Uint8Array, extraMs = 0): void {
    const pair = byLink[from]!.get(link)
    if (pair === undefined || !pair.up) return
    const out = wayOf(pair, from)
    out.waitingBytes += frame.length
    if (out.waitingBytes > FULL_BYTES) out.wasFull = true
    if (out.cuts > 0) {
      out.held.push({ frame, extraMs })
      return
    }
    transmit(pair, out, frame, extraMs)
  }

  function transmit(pair: Pair, out: Way, frame: Uint8Array, extraMs: number): void {
    const { from, to } = out
    const { epoch } = pair
    const nowMs = agenda.now()
    const bytesPerMs = Math.min(thin[from]!, thin[to]!)
    const leavesMs = Math.max(nowMs, out.freeAtMs) + (bytesPerMs === Infinity ? 0 : frame.length / bytesPerMs)
    out.freeAtMs = leavesMs
    const hello = isHello(frame)
    // What others build on cannot be missing without the link's end: there a loss is that.
    const loose = !hello && isPlain(frame)
    const lost = loose && rough.loss > 0 && random.chance(rough.loss)
    const copies = lost ? 0 : loose && rough.twice > 0 && random.chance(rough.twice) ? 2 : 1
    if (!loose && !hello && rough.loss > 0 && random.chance(rough.loss / 20))
      return tearDown(pair, to, 'lost', random.between(0, 500))
    if (leavesMs > nowMs || copies === 0) agenda.after(leavesMs - nowMs, () => leave(pair, out, epoch, frame))
    else leave(pair, out, epoch, frame)
    for (let copy = 0; copy < copies; copy++) {
      let arrivesMs = leavesMs + options.delayMs(from, to) + extraMs
      const overtakes = loose && rough.overtake > 0 && random.chance(rough.overtake)
      if (!overtakes) {
        arrivesMs = Math.max(arrivesMs, out.lastArrivalMs)
        out.lastArrivalMs = arrivesMs
      } else arrivesMs = Math.max(out.helloAtMs, arrivesMs + random.between(0, 3) * options.delayMs(from, to))
      if (hello) out.helloAtMs = arrivesMs
      agenda.at(arrivesMs, () => arrive(pair, out, epoch, frame))
    }
  }

  function leave(pair: Pair, out: Way, epoch: number, frame: Uint8Array): void {
    if (pair.epoch !== epoch || !pair.up) return
    out.waitingBytes -= frame.length
    if (!out.wasFull || out.waitingBytes > DRAINED_BYTES) return
    out.wasFull = false
    const link = linkAt(pair, out.from)
    if (link !== 0) options.deliver(out.from, { kind: 'drained', link })
  }

  function arrive(pair: Pair, out: Way, epoch: number, frame: Uint8Array): void {
    if (pair.epoch !== epoch) return
    const link = linkAt(pair, out.to)
    if (link === 0 || !running.has(out.to)) return
    options.onFrame(out.from, out.to, frame)
    options.deliver(out.to, { kind: 'frame', link, bytes: frame })
  }

  /** A way has been cut: after long silence both ends give the link up. */
  function watch(pair: Pair, out: Way): void {
    const { epoch } = pair
    const sinceMs = agenda.now()
    agenda.after(random.between(1_500, 9_000), () => {
      if (pair.epoch !== epoch || !pair.up || out.cuts === 0 || out.cutSinceMs !== sinceMs) return
      tearDown(pair, out.to, 'silent', random.between(0, 2_000))
    })
  }

  return {
    start: (machine) => {
      running.add(machine)
      for (const other of running) {
        if (other !== machine && options.areWanted(machine, other))
          dial(pairOf(machine, other), random.between(1, 100))
      }
    },
    end: (machine, silently) => {
      running.delete(machine)
      for (const pair of pairs.values()) {
        if (pair.a !== machine && pair.b !== machine) continue
        if (pair.up)
          tearDown(pair, machine, 'gone', silently ? random.between(500, 9_000) : random.between(0, 50))
      }
    },
    send,
    close: (from, link, reason) => {
      const pair = byLink[from]!.get(link)
      if (pair?.up === true) tearDown(pair, from, reason, options.delayMs(from, otherOf(pair, from)))
      else if (pair !== undefined) forget(pair, from, reason)
    },
    bufferedBytes: (from, link) => {
      const pair = byLink[from]!.get(link)
      return pair === undefined || !pair.up ? 0 : wayOf(pair, from).waitingBytes
    },
    peerOf: (machine, link) => {
      const pair = byLink[machine]!.get(link)
      return pair === undefined ? undefined : otherOf(pair, machine)
    },
    linkTo: (machine, peer) => {
      const pair = pairOf(machine, peer)
      return pair.up ? linkAt(pair, machine) || undefined : undefined
    },
    cut: (from, to) => {
      const pair = pairOf(from, to)
      const out = wayOf(pair, from)
      out.cuts += 1
      if (out.cuts > 1) return
      out.cutSinceMs = agenda.now()
      if (pair.up) watch(pair, out)
    },
    mend: (from, to) => {
      const pair = pairOf(from, to)
      const out = wayOf(pair, from)
      out.cuts -= 1
      if (out.cuts > 0) return
      const held = out.held
      out.held = []
      if (pair.up) for (const { frame, extraMs } of held) transmit(pair, out, frame, extraMs)
    },
    reconsider: (machine) => {
      for (const other of running) {
        if (other === machine) continue
        const pair = pairOf(machine, other)
        if (options.areWanted(machine, other)) dial(pair, random.between(1, 50))
        else if (pair.up) tearDown(pair, machine, 'unwanted', random.between(0, 50))
      }
    },
    setRough: (next) => void (rough = next),
    setThin: (machine, bytesPerMs) => void (thin[machine] = bytesPerMs),
  }
}
