// Decides when deadlines are looked at: one timer for the whole transport, however many links there are.

export interface Sweep {
  stop(): void
}

export const nowMs = (): number => performance.now()

export function startSweep(everyMs: number, look: (nowMs: number) => void): Sweep {
  let lastMs = nowMs()
  let skipped = false
  const timer = setInterval(() => {
    const atMs = nowMs()
    // After a standstill (SIGSTOP, a starved machine, a long pause of the collector) the answers of the peers are still unread in the
    // sockets, for timers run first, and everybody would seem silent. So the sockets speak first, and the next sweep looks. Only
    // once in a row, or a process that is always late would never look.
    skipped = !skipped && atMs - lastMs > 2 * everyMs
    lastMs = atMs
    if (!skipped) look(atMs)
  }, everyMs)
  return { stop: () => clearInterval(timer) }
}
