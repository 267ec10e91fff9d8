// Decides what an operator is told when the transport cannot do what it was asked: what happened, where, and what to do next,
// under a stable code. Peers never cause one of these: what a peer does wrong is counted (refusals.ts) and costs it the connection.

export type TransportErrorCode =
  | 'E_PORT_IN_USE'
  | 'E_LISTEN_DENIED'
  | 'E_ADDRESS_NOT_AVAILABLE'
  | 'E_LISTEN_FAILED'
  | 'E_BAD_KEY'
  | 'E_BAD_ROSTER'
  | 'E_BAD_LIMIT'
  | 'E_FRAME_TOO_LARGE'

export class TransportError extends Error {
  override readonly name: string = 'TransportError'
  readonly code: TransportErrorCode
  readonly where: string
  readonly next: string

  constructor(code: TransportErrorCode, what: string, where: string, next: string, cause?: unknown) {
    super(`${code}: ${what} (${where}). ${next}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.where = where
    this.next = next
  }
}

/** What went wrong when listening, in the operator's words. */
export function listenError(cause: unknown, host: string, port: number): TransportError {
  const where = `listening on ${host} port ${port}`
  switch ((cause as { code?: unknown } | null)?.code) {
    case 'EADDRINUSE':
      return new TransportError(
        'E_PORT_IN_USE',
        'another program already listens there',
        where,
        'Stop that program (perhaps a second copy of this node) or choose another port.',
        cause,
      )
    case 'EACCES':
      return new TransportError(
        'E_LISTEN_DENIED',
        'this user may not listen there',
        where,
        'Choose a port of 1024 or above.',
        cause,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new TransportError(
        'E_ADDRESS_NOT_AVAILABLE',
        'this machine has no such address',
        where,
        'Use 0.0.0.0, :: or an address of one of its interfaces.',
        cause,
      )
    default:
      return new TransportError(
        'E_LISTEN_FAILED',
        cause instanceof Error ? cause.message : 'the system refused',
        where,
        'Check the address and the limits of open files.',
        cause,
      )
  }
}
