/** H10: how available the network was in each window of a run, and how long its clients waited. */
import type { Row } from './history.ts'

export interface Window {
  readonly name: string
  readonly fromMs: number
  readonly toMs: number
}

export interface WindowFigures extends Window {
  readonly ok: number
  readonly fail: number
  readonly info: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
}

export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

/** Submissions by the window in which they were invoked; windows do not overlap. */
export function figuresOf(rows: readonly Row[], windows: readonly Window[]): WindowFigures[] {
  const submits = rows.filter((row) => row.op === 'submit')
  return windows.map((window) => {
    const inside = submits.filter(({ invokeMs }) => invokeMs >= window.fromMs && invokeMs < window.toMs)
    const waits = inside.filter((row) => row.outcome === 'ok').map((row) => row.returnMs - row.invokeMs)
    const count = (outcome: string): number => inside.filter((row) => row.outcome === outcome).length
    return {
      ...window,
      ok: count('ok'),
      fail: count('fail'),
      info: count('info'),
      p50Ms: percentile(waits, 0.5),
      p99Ms: percentile(waits, 0.99),
    }
  })
}
