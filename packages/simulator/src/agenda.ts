/** What is to be done when in virtual time: a binary heap, and first come first served at equal times. */

export interface Agenda {
  now(): number
  /** Runs something `delayMs` from now. */
  after(delayMs: number, run: () => void): void
  /** Runs something at a time that is not over: what is to keep its order must not go through differences, which are rounded. */
  at(atMs: number, run: () => void): void
  /** Takes the next one that is due until then and moves the clock to it; undefined: the clock stands at `untilMs`. */
  next(untilMs: number): (() => void) | undefined
}

interface Entry {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

const isBefore = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

export function createAgenda(): Agenda {
  const heap: Entry[] = []
  let nowMs = 0
  let order = 0

  function push(entry: Entry): void {
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const up = (at - 1) >> 1
      if (!isBefore(entry, heap[up]!)) break
      heap[at] = heap[up]!
      at = up
    }
    heap[at] = entry
  }

  function pop(): Entry {
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }

  return {
    now: () => nowMs,
    after: (delayMs, run) => {
      if (!(delayMs >= 0)) throw new Error(`invariant: a delay of ${delayMs}`)
      push({ atMs: nowMs + delayMs, order: order++, run })
    },
    at: (atMs, run) => {
      if (!(atMs >= nowMs)) throw new Error(`invariant: ${atMs} is over at ${nowMs}`)
      push({ atMs, order: order++, run })
    },
    next: (untilMs) => {
      const first = heap[0]
      if (first === undefined || first.atMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs)
        return undefined
      }
      nowMs = first.atMs
      return pop().run
    },
  }
}
