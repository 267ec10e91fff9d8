// Decides what a link between two nodes does to what passes through it: when a piece of bytes is due on the other side, which bit
// of it is flipped, whether the link breaks now. Given the same seed and the same pieces it does the same.

/** How a link behaves; every field can be changed while it is in use. */
export interface LinkConduct {
  /**
   * `open` forwards; `cut` breaks what passes and refuses anew; `silent` accepts and never forwards, as if packets were lost:
   * the two sides notice nothing but silence.
   */
  readonly state: 'open' | 'cut' | 'silent'
  /** Nothing goes in this direction while the other one flows. */
  readonly stalled: 'neither' | 'to-target' | 'to-dialer'
  /** One way; the order of the bytes is kept. */
  readonly delayMs: number
  /** A piece is delayed by up to this more. */
  readonly jitterMs: number
  /** Of the pieces so many are lost and sent again: they and what is behind them come so much later. */
  readonly lossShare: number
  /** In each direction; 0 is without limit. */
  readonly bytesPerSecond: number
  /** A connection lives this long on average, then it is reset; 0 is for ever. */
  readonly resetAfterMs: number
  /** Of so many pieces one has a flipped bit; 0 is none. */
  readonly corruptOneIn: number
}

export const OPEN_LINK: LinkConduct = {
  state: 'open',
  stalled: 'neither',
  delayMs: 0,
  jitterMs: 0,
  lossShare: 0,
  bytesPerSecond: 0,
  resetAfterMs: 0,
  corruptOneIn: 0,
}

/** Seeded numbers (mulberry32), from 0 to below 1. */
export type Draw = () => number

export function createDraw(seed: number): Draw {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A link under a rate takes its bytes in pieces no larger than this, so that it flows and does not jump. */
const PIECE_BYTES = 4_096

/** The pieces in which bytes pass the link. */
export function piecesOf(conduct: LinkConduct, bytes: Uint8Array): Uint8Array[] {
  if (conduct.bytesPerSecond === 0 || bytes.length <= PIECE_BYTES) return [bytes]
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) pieces.push(bytes.subarray(at, at + PIECE_BYTES))
  return pieces
}

/** After so long TCP sends again what was not acknowledged, at the least (Linux: TCP_RTO_MIN). */
const SENT_AGAIN_MS = 200

/** When a piece that comes in now is due on the other side. */
export function dueMs(conduct: LinkConduct, nowMs: number, draw: Draw): number {
  const lateMs = conduct.lossShare > 0 && draw() < conduct.lossShare ? SENT_AGAIN_MS : 0
  if (conduct.delayMs === 0 && conduct.jitterMs === 0) return nowMs + lateMs
  return nowMs + lateMs + conduct.delayMs + conduct.jitterMs * draw()
}

/** For how long a piece occupies the line. */
export function lineMs(conduct: LinkConduct, bytes: number): number {
  return conduct.bytesPerSecond === 0 ? 0 : (bytes * 1_000) / conduct.bytesPerSecond
}

/** Flips one bit of one piece in so many; the piece is changed in place. Whether it did. */
export function corrupt(conduct: LinkConduct, piece: Uint8Array, draw: Draw): boolean {
  if (conduct.corruptOneIn === 0 || piece.length === 0) return false
  if (draw() * conduct.corruptOneIn >= 1) return false
  const bit = Math.floor(draw() * piece.length * 8)
  piece[bit >>> 3]! ^= 1 << (bit & 7)
  return true
}

/** Whether a connection breaks within the next so many milliseconds. */
export function breaksWithin(conduct: LinkConduct, spanMs: number, draw: Draw): boolean {
  return conduct.resetAfterMs > 0 && draw() * conduct.resetAfterMs < spanMs
}

/** Whether bytes flow in a direction. */
export function flows(conduct: LinkConduct, direction: 'to-target' | 'to-dialer'): boolean {
  return conduct.state === 'open' && conduct.stalled !== direction
}
