// The transport: one mutually authenticated `wss` connection for each pair of members.
export { TransportError, type TransportErrorCode } from './errors.ts'
export type { LinkFigures, TransportEvent } from './events.ts'
export { DEFAULT_LIMITS, type TransportLimits } from './limits.ts'
export { REFUSALS, type Refusal, TALLIES, type Tally } from './refusals.ts'
export type { PeerAddress } from './roster.ts'
export { startTransport, type Transport, type TransportOptions } from './transport.ts'
