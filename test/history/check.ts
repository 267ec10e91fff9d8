/**
 * Judges a history of clients in time O(n log n). What Hearsay promises them is one log, so no search over possible orders is
 * needed: every position says which order it was.
 *
 *   H1  one transaction a position, over all nodes and all reads
 *   H2  one position a transaction
 *   H3  no phantoms: what is read was submitted, and before it was read
 *   H4  what was acknowledged is at its place in the end, on every node
 *   H5  real time: what was acknowledged before another was submitted stands before it
 *   H6  a session's reads never go back, and show what it was acknowledged
 *   H7  what was refused is nowhere; what a node took in and lived on with is somewhere
 *   H8  times increase strictly with positions
 *   H9  receipts say what the logs say, and verify
 */
import type { History, Place, ReadEntry, ReadRow, SubmitRow } from './history.ts'
import { lifeOf } from './history.ts'

export interface Violation {
  readonly check: 'H1' | 'H2' | 'H3' | 'H4' | 'H5' | 'H6' | 'H7' | 'H8' | 'H9'
  readonly message: string
}

export interface CheckOptions {
  /** Verifies a receipt by other means than the log; says what is wrong with it. */
  readonly verifyReceipt?: (row: SubmitRow) => string | undefined
}

/** One defect shows in thousands of rows; so many are kept of each check. */
const KEPT_OF_EACH = 10

interface Known extends Place {
  readonly tx: string
  readonly source: string
}

interface Books {
  readonly submits: ReadonlyMap<string, SubmitRow>
  readonly byPosition: Map<number, Known>
  readonly byTx: Map<string, Known>
  readonly voids: ReadonlyMap<number, string>
  readonly report: (check: Violation['check'], message: string) => void
}

const whoSubmitted = (row: SubmitRow): string => `${row.client} at ${row.node}, ${row.invokeMs.toFixed(1)} ms`

export function checkHistory(history: History, options: CheckOptions = {}): Violation[] {
  const violations: Violation[] = []
  const counts = new Map<string, number>()
  const submits = new Map<string, SubmitRow>()
  const reads: ReadRow[] = []
  for (const row of history.rows) {
    if (row.op === 'read') reads.push(row)
    else if (submits.has(row.tx)) throw new Error(`not a history: ${row.tx} was submitted twice`)
    else submits.set(row.tx, row)
  }
  const books: Books = {
    submits,
    byPosition: new Map(),
    byTx: new Map(),
    voids: history.voids ?? new Map<number, string>(),
    report: (check, message) => {
      const count = (counts.get(check) ?? 0) + 1
      counts.set(check, count)
      if (count <= KEPT_OF_EACH) violations.push({ check, message })
    },
  }
  for (const [node, entries] of history.ends) {
    checkPage(books, `${node} in the end`, 0, entries)
    for (const entry of entries) enter(books, entry.tx, entry, `${node} in the end`)
  }
  for (const row of reads) {
    const source = `read of ${row.client} at ${row.node}, ${row.returnMs.toFixed(1)} ms`
    checkPage(books, source, row.from, row.entries)
    for (const entry of row.entries) {
      enter(books, entry.tx, entry, source)
      const submit = submits.get(entry.tx)
      if (submit !== undefined && row.returnMs < submit.invokeMs)
        books.report('H3', `${source}: ${entry.tx} was submitted later (${whoSubmitted(submit)})`)
    }
  }
  for (const row of submits.values()) {
    if (row.outcome !== 'ok') continue
    if (row.place === undefined) books.report('H9', `${row.tx}: acknowledged without a place`)
    else enter(books, row.tx, row.place, `receipt of ${whoSubmitted(row)}`)
  }
  checkVoids(books)
  checkSubmitted(books)
  checkEnds(books, history)
  checkRealTime(books)
  checkSessions(books, history)
  checkSettled(books, history)
  checkTimes(books)
  checkReceipts(books, options)
  return violations
}

/** A page has no gaps and begins where it was asked to; only repetitions are passed over. */
function checkPage(
  { report, voids }: Books,
  source: string,
  from: number,
  entries: readonly ReadEntry[],
): void {
  let next = from
  for (const { position } of entries) {
    while (next < position && voids.has(next)) next += 1
    if (position !== next)
      return report('H6', `${source}: position ${position} stands where ${next} was to come`)
    next += 1
  }
}

/** What logs pass over has taken effect before, so that nobody misses it. */
function checkVoids({ voids, byTx, byPosition, report }: Books): void {
  for (const [position, tx] of voids) {
    const placed = byTx.get(tx)
    if (placed === undefined || placed.position >= position)
      report('H2', `${tx} is passed over at ${position}, and does not stand before it`)
    const there = byPosition.get(position)
    if (there !== undefined)
      report('H1', `${there.tx} at ${position} (${there.source}) is passed over by logs`)
  }
}

function enter({ byPosition, byTx, report }: Books, tx: string, place: Place, source: string): void {
  const there = byPosition.get(place.position)
  if (there === undefined) byPosition.set(place.position, { ...place, tx, source })
  else if (there.tx !== tx)
    report('H1', `position ${place.position}: ${there.tx} (${there.source}), ${tx} (${source})`)
  const placed = byTx.get(tx)
  if (placed === undefined) byTx.set(tx, { ...place, tx, source })
  else if (placed.position !== place.position)
    report('H2', `${tx}: at ${placed.position} (${placed.source}) and at ${place.position} (${source})`)
  else if (
    placed.timestamp !== place.timestamp ||
    placed.round !== place.round ||
    placed.event !== place.event ||
    placed.index !== place.index
  )
    report(
      'H9',
      `${tx} at ${place.position}: ${placed.source} has time ${placed.timestamp}, round ${placed.round}, event ` +
        `${placed.event}.${placed.index}; ${source} has ${place.timestamp}, ${place.round}, ${place.event}.${place.index}`,
    )
}

function checkSubmitted({ submits, byTx, report }: Books): void {
  for (const [tx, { source, position }] of byTx) {
    if (!submits.has(tx)) report('H3', `${tx} at ${position} (${source}): nobody submitted it`)
  }
}

function checkEnds({ submits, report }: Books, { ends }: History): void {
  for (const [node, entries] of ends) {
    const at = new Map(entries.map((entry) => [entry.position, entry]))
    for (const row of submits.values()) {
      if (row.outcome !== 'ok' || row.place === undefined) continue
      const there = at.get(row.place.position)
      if (there?.tx === row.tx) continue
      const found = there === undefined ? `the log ends at ${entries.length}` : there.tx
      report(
        'H4',
        `${row.tx} was acknowledged at ${row.place.position} (${whoSubmitted(row)}); ${node} has ${found}`,
      )
    }
  }
}

/** Sweeps acknowledgements and submissions together by time: the highest place acknowledged so far is a lower bound for all new. */
function checkRealTime({ submits, byTx, report }: Books): void {
  const acknowledged = [...submits.values()]
    .filter((row) => row.outcome === 'ok' && row.place !== undefined)
    .toSorted((a, b) => a.returnMs - b.returnMs)
  const invoked = [...submits.values()].toSorted((a, b) => a.invokeMs - b.invokeMs)
  let next = 0
  let highest: SubmitRow | undefined
  for (const row of invoked) {
    for (
      let ack = acknowledged[next];
      ack !== undefined && ack.returnMs < row.invokeMs;
      ack = acknowledged[next]
    ) {
      if (highest === undefined || ack.place!.position > highest.place!.position) highest = ack
      next += 1
    }
    const placed = byTx.get(row.tx)
    if (placed === undefined || highest === undefined || placed.position > highest.place!.position) continue
    report(
      'H5',
      `${row.tx} was submitted (${whoSubmitted(row)}) after ${highest.tx} had been acknowledged at ` +
        `${highest.place!.position} (${highest.returnMs.toFixed(1)} ms), and stands before it at ${placed.position}`,
    )
  }
}

function checkSessions({ report, voids }: Books, { rows }: History): void {
  const sessions = new Map<string, (SubmitRow | ReadRow)[]>()
  for (const row of rows) {
    const list = sessions.get(row.session)
    if (list === undefined) sessions.set(row.session, [row])
    else list.push(row)
  }
  for (const [session, list] of sessions) {
    // What had been shown when an operation began, it must show.
    const shown = list
      .flatMap((row) =>
        row.op === 'read'
          ? [{ atMs: row.returnMs, length: row.total }]
          : row.place === undefined
            ? []
            : [{ atMs: row.returnMs, length: row.place.position + 1 }],
      )
      .toSorted((a, b) => a.atMs - b.atMs)
    let next = 0
    let least = 0
    for (const row of list.filter((each) => each.op === 'read').toSorted((a, b) => a.invokeMs - b.invokeMs)) {
      for (let each = shown[next]; each !== undefined && each.atMs < row.invokeMs; each = shown[next]) {
        least = Math.max(least, each.length)
        next += 1
      }
      if (row.total < least)
        report(
          'H6',
          `${session}: ${least} transactions had been shown, the read at ${row.invokeMs.toFixed(1)} ms has ${row.total}`,
        )
      let expected = Math.min(least, row.total)
      while (expected > row.from && voids.has(expected - 1)) expected -= 1
      if (row.entries.length === 0 && row.from < expected)
        report('H6', `${session}: the read from ${row.from} is empty, although there are ${expected}`)
    }
  }
}

function checkSettled({ submits, byTx, report }: Books, { lives }: History): void {
  for (const row of submits.values()) {
    const placed = byTx.get(row.tx)
    if (row.outcome === 'fail' && placed !== undefined)
      report(
        'H7',
        `${row.tx} was refused (${whoSubmitted(row)}) and stands at ${placed.position} (${placed.source})`,
      )
    if (row.taken === true && placed === undefined && lives.has(lifeOf(row.session)))
      report(
        'H7',
        `${row.tx} was taken in by ${row.node}, which lives (${whoSubmitted(row)}), and is nowhere`,
      )
  }
}

function checkTimes({ byPosition, report }: Books): void {
  let before: Known | undefined
  for (const known of [...byPosition.values()].toSorted((a, b) => a.position - b.position)) {
    if (before !== undefined && known.timestamp <= before.timestamp)
      report(
        'H8',
        `${known.tx} at ${known.position} has time ${known.timestamp}, ${before.tx} at ${before.position} ${before.timestamp}`,
      )
    before = known
  }
}

function checkReceipts({ submits, report }: Books, { verifyReceipt }: CheckOptions): void {
  if (verifyReceipt === undefined) return
  for (const row of submits.values()) {
    const fault = row.outcome === 'ok' ? verifyReceipt(row) : undefined
    if (fault !== undefined) report('H9', `${row.tx}: its receipt does not verify: ${fault}`)
  }
}
