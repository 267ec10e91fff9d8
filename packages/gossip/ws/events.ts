// Decides what the owner of a transport is told. Events of one link come in the order opened, (frame | drained)*, closed.
//
// No event is delivered inside a call of the owner: what `send`, `close`, `setPeers` or `stop` bring about is told in a microtask
// after it, so a state machine that calls the transport while it takes a step is never entered twice.
// An exception out of the owner's handler is the owner's broken invariant: it is not caught here and ends the process.

export type TransportEvent =
  | { readonly kind: 'opened'; readonly link: number; readonly memberId: number }
  /**
   * `bytes` stays valid and unchanged for as long as it is held, but it is a view of the buffer it was received in:
   * a small piece that is kept for long should be copied, or it keeps up to 64 KiB alive.
   */
  | { readonly kind: 'frame'; readonly link: number; readonly bytes: Uint8Array }
  | { readonly kind: 'closed'; readonly link: number; readonly memberId: number; readonly reason: string }
  | { readonly kind: 'drained'; readonly link: number }

/** Bytes are those of frames, without the few of WebSocket and TLS around them. */
export interface LinkFigures {
  readonly link: number
  readonly memberId: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly framesIn: number
  readonly framesOut: number
}

export interface EventQueue {
  /** From a socket: now, unless older events wait. */
  emit(event: TransportEvent): void
  /** Runs a call of the owner, whose events wait until it is over. */
  during<T>(call: () => T): T
}

export function createEventQueue(onEvent: (event: TransportEvent) => void): EventQueue {
  const waiting: TransportEvent[] = []
  let calls = 0
  const flush = (): void => {
    // An event handler may call the transport, which may add events: they are delivered here too, in order.
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) onEvent(event)
  }
  return {
    emit: (event) => {
      if (calls === 0 && waiting.length === 0) onEvent(event)
      else if (waiting.push(event) === 1) queueMicrotask(flush)
    },
    during: (call) => {
      calls += 1
      try {
        return call()
      } finally {
        calls -= 1
      }
    },
  }
}
