// Decides every bound and every deadline of the transport, in one table. Sources: the threat list W5, W7, W8 and W9 for the values,
// ws 8.23.0 (lib/receiver.js) for what the three frame bounds mean.
//
// Deadlines are looked at once a sweep (sweep.ts): one may strike up to `sweepEveryMs` late, or twice that after a standstill, never early.
import { TransportError } from './errors.ts'

export interface TransportLimits {
  readonly maxFrameBytes: number
  readonly maxFrameFragments: number
  readonly maxFrameChunks: number
  readonly maxHeaderBytes: number
  readonly maxConnections: number
  readonly maxUnauthenticated: number
  readonly maxUnauthenticatedPerHost: number
  readonly drainedBelowBytes: number
  readonly slowReaderAboveBytes: number
  readonly slowReaderAfterMs: number
  readonly maxBufferedBytes: number
  readonly handshakeWithinMs: number
  readonly pingAfterMs: number
  readonly pongWithinMs: number
  readonly closeWithinMs: number
  readonly redialFirstMs: number
  readonly redialMostMs: number
  readonly stableAfterMs: number
  readonly sweepEveryMs: number
}

const KIB = 1024
const MIB = 1024 * KIB

export const DEFAULT_LIMITS: TransportLimits = {
  /** One frame, either way. A larger one closes the link before it is buffered: its length is refused, not its bytes. */
  maxFrameBytes: 1 * MIB,
  /** WebSocket fragments a frame. We never fragment; 2 leaves room for a peer whose library splits once. */
  maxFrameFragments: 2,
  /** Socket reads a frame may be spread over. A TLS record carries 16 KiB, so an honest frame of 1 MiB needs about 65. */
  maxFrameChunks: 1024,
  /** Bytes of the HTTP upgrade request and of its answer. Ours have about 250. */
  maxHeaderBytes: 4 * KIB,

  /** All accepted connections: room for a roster of 128 that reconnects at once, with half-open ones beside. */
  maxConnections: 256,
  /** Half-open connections beyond one for each member that has no link. Above it the oldest half-open one is dropped. */
  maxUnauthenticated: 16,
  /** The same for one address: beyond one for each member at this address that has no link (a local testnet shares one). */
  maxUnauthenticatedPerHost: 4,

  /** `drained` says that a link has come from above this to below it. */
  drainedBelowBytes: 256 * KIB,
  /** A peer that leaves more than this unread … */
  slowReaderAboveBytes: 4 * MIB,
  /** … for longer than this is cut off. */
  slowReaderAfterMs: 30_000,
  /** Above this it is cut off at once, whatever the caller goes on sending: the memory a peer can hold here. */
  maxBufferedBytes: 16 * MIB,

  /** TCP, TLS and the upgrade together, on both sides. */
  handshakeWithinMs: 5_000,
  /** Ask for a sign of life after this much silence … */
  pingAfterMs: 15_000,
  /** … and give up after this much more. */
  pongWithinMs: 10_000,
  /** The closing handshake; then the socket is destroyed. `stop` takes no longer than this and a little. */
  closeWithinMs: 500,

  /** Backoff of a dialler: first delay, doubled each time, each shortened by up to a half at random. */
  redialFirstMs: 100,
  /** Its ceiling. Dialling never stops. */
  redialMostMs: 5_000,
  /** A link that lived this long was a good one: the backoff starts again from the first delay. */
  stableAfterMs: 2_000,

  /** Period of the only timer that looks after deadlines, whatever the number of links. */
  sweepEveryMs: 500,
}

/** The table with the caller's changes. Every limit is a whole number of 1 or more. */
export function limitsWith(changes: Partial<TransportLimits> | undefined): TransportLimits {
  const limits: TransportLimits = { ...DEFAULT_LIMITS, ...changes }
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name) || !Number.isSafeInteger(value) || (value as number) < 1) {
      throw new TransportError(
        'E_BAD_LIMIT',
        `${name} is ${String(value)}`,
        'limits of the transport',
        'Give a whole number of 1 or more, or leave it out.',
      )
    }
  }
  return limits
}
