/** An honest world for the checker's own tests: one log, nodes that lag behind it, clients that submit and read. Seeded. */
import { createRandom } from '../dag/random.ts'
import { type History, type ReadEntry, type Row, sessionOf } from './history.ts'

const NODES = ['ada', 'bob', 'cat']

/** A history that keeps every promise: of every outcome, with nodes that lag, reads of pages, and concurrent clients. */
export function honestHistory(seed: number, operations = 200): History {
  const random = createRandom(seed)
  const log: { entry: ReadEntry; atMs: number }[] = []
  const rows: Row[] = []
  // A client does one thing after the other; what it sees of its node only grows.
  const clients = NODES.flatMap((node) => [0, 1].map((i) => ({ node, client: `${node}-${i}`, freeMs: i })))
  const seen = new Map<string, number>()
  let nowMs = 10
  for (let i = 0; i < operations; i++) {
    nowMs += 1 + random.below(5)
    const free = clients.filter(({ freeMs }) => freeMs < nowMs)
    const who = free[random.below(Math.max(1, free.length))]
    if (who === undefined) continue
    const { client, node } = who
    const base = { client, node, session: sessionOf(client, `${node}#1`), invokeMs: nowMs }
    const lengthAt = (atMs: number): number => log.filter((each) => each.atMs <= atMs).length
    if (random.below(4) === 0) {
      const total = Math.max(seen.get(node) ?? 0, lengthAt(nowMs - random.below(10)))
      const from = random.below(total + 1)
      const entries = log.slice(from, Math.min(total, from + 20)).map(({ entry }) => entry)
      seen.set(node, total)
      rows.push({ ...base, op: 'read', returnMs: nowMs + 1, from, entries, total })
      who.freeMs = nowMs + 2
      continue
    }
    const tx = `${client} ${i}`
    const kind = random.below(10)
    if (kind === 0) {
      rows.push({ ...base, op: 'submit', tx, returnMs: nowMs + 1, outcome: 'fail' })
      who.freeMs = nowMs + 2
      continue
    }
    nowMs += 1
    const position = log.length
    const timestamp = (log.at(-1)?.entry.timestamp ?? 0) + 1 + random.below(1_000)
    const place = {
      position,
      timestamp,
      round: 1 + Math.floor(position / 3),
      event: `e${position}`,
      index: 0,
    }
    const returnMs = nowMs + 1 + random.below(20)
    if (kind === 1) {
      const isLost = random.below(2) === 0
      if (!isLost) log.push({ entry: { ...place, tx }, atMs: nowMs })
      rows.push({ ...base, op: 'submit', tx, returnMs, outcome: 'info', taken: !isLost })
    } else {
      log.push({ entry: { ...place, tx }, atMs: nowMs })
      seen.set(node, Math.max(seen.get(node) ?? 0, position + 1))
      rows.push({ ...base, op: 'submit', tx, returnMs, outcome: 'ok', place })
    }
    who.freeMs = returnMs + 1
  }
  const end = log.map(({ entry }) => entry)
  return {
    rows,
    ends: new Map(NODES.map((node) => [node, end])),
    lives: new Set(NODES.map((node) => `${node}#1`)),
  }
}
