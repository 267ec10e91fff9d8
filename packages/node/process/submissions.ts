/** What API callers wait for: tickets of submitted transactions, their state, and how long finality took lately. */
import type { Receipt, Submission, TransactionState } from '../src/api-types.ts'
import type { Outcome } from '../src/application.ts'
import type { MemberEffect } from '../src/member-types.ts'

type FinalEffect = Extract<MemberEffect, { kind: 'final' }>

/** Latencies are kept of this many transactions. */
const SAMPLES = 2_048

interface Waiting {
  state: TransactionState
  readonly submittedMs: number
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: Error) => void
}

export interface Submissions {
  open(nowMs: number): { submission: Submission; ticket: number }
  /** The transaction was not taken in: nothing is waited for. */
  refuse(ticket: number): void
  gossiped(tickets: readonly number[]): void
  final(effect: FinalEffect, nowMs: number): void
  rejectAll(error: Error): void
  percentileMs(share: number): number | undefined
  /** Whether the ticket opened last was refused. */
  wasRefused(ticket: number): boolean
}

/** `outcomeAt` says what the application made of a transaction. */
export function createSubmissions(outcomeAt: (position: number) => Outcome | undefined): Submissions {
  const waiting = new Map<number, Waiting>()
  const latencies = new Float64Array(SAMPLES)
  let samples = 0
  let nextTicket = 1
  let lastRefused = 0

  function open(nowMs: number): { submission: Submission; ticket: number } {
    const ticket = nextTicket++
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    // Whoever forgets a submission must not bring the process down when the node stops.
    promise.catch(() => undefined)
    const entry: Waiting = { state: 'pending', submittedMs: nowMs, resolve, reject }
    waiting.set(ticket, entry)
    return {
      ticket,
      submission: {
        ticket,
        state: () => entry.state,
        final: promise,
        forget: () => void waiting.delete(ticket),
      },
    }
  }

  function final(effect: FinalEffect, nowMs: number): void {
    const entry = waiting.get(effect.ticket)
    if (entry === undefined) return
    waiting.delete(effect.ticket)
    entry.state = 'ordered'
    const latencyMs = nowMs - entry.submittedMs
    latencies[samples % SAMPLES] = latencyMs
    samples += 1
    const { position, round, timestamp, eventId, index } = effect
    const outcome = outcomeAt(position)
    const where = { position, round, timestamp, eventId, index, latencyMs }
    entry.resolve({ state: 'ordered', ...where, ...(outcome === undefined ? {} : { outcome }) })
  }

  function percentileMs(share: number): number | undefined {
    const count = Math.min(samples, SAMPLES)
    if (count === 0) return undefined
    const sorted = latencies.slice(0, count).sort()
    return sorted[Math.min(count - 1, Math.floor(share * count))]
  }

  return {
    open,
    refuse: (ticket) => {
      lastRefused = ticket
      waiting.delete(ticket)
    },
    gossiped: (tickets) => {
      for (const ticket of tickets) {
        const entry = waiting.get(ticket)
        if (entry !== undefined) entry.state = 'gossiped'
      }
    },
    final,
    rejectAll: (error) => {
      for (const entry of waiting.values()) entry.reject(error)
      waiting.clear()
    },
    percentileMs,
    wasRefused: (ticket) => ticket === lastRefused,
  }
}
