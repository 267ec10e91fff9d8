// Decides the closed list of reasons for which the transport turns somebody away, and counts them. The reasons are metric labels:
// nothing that a peer sends ever becomes one.

export const REFUSALS = [
  // Before anybody is known
  'not-tls', // the first bytes are not a TLS handshake: plain HTTP, plain WebSocket, garbage
  'tls-version', // nothing newer than TLS 1.2 was offered
  'tls-failed', // the handshake failed otherwise: no proof of the key, tampering, no common algorithm
  'handshake-aborted', // the other side hung up half-way
  'handshake-timeout', // TCP, TLS and upgrade took longer than they may
  'too-many-connections', // dropped to make room, or refused because there was none
  // By identity
  'no-certificate', // none was shown, or none with an Ed25519 key
  'not-in-roster', // its key is no member's, or is no longer one's
  'own-key', // it shows our own key: somebody runs this member twice
  'wrong-peer-key', // we dialled one member and another key answered
  // Of members
  'bad-upgrade', // not an upgrade request for our path, or one that breaks HTTP
  'refused-by-peer', // we dialled, and our upgrade was answered with a refusal
  'oversized-frame',
  'fragmented-frame', // too many fragments or too many small pieces
  'text-frame',
  'protocol-error', // any other breach of RFC 6455
  'slow-reader',
  'silent',
  'replaced', // the member opened a newer connection
] as const

export type Refusal = (typeof REFUSALS)[number]

/** What else is counted. */
export const TALLIES = [
  'accepted',
  'dialled',
  'dial-failed',
  'opened',
  'closed',
  'closed-by-peer',
  'connection-lost',
] as const

export type Tally = (typeof TALLIES)[number]

export interface Counters {
  count(name: Refusal | Tally): void
  snapshot(): Readonly<Record<string, number>>
}

export function createCounters(): Counters {
  const values = new Map<string, number>([...REFUSALS, ...TALLIES].map((name) => [name, 0]))
  return {
    count: (name) => void values.set(name, (values.get(name) ?? 0) + 1),
    snapshot: () => Object.fromEntries(values),
  }
}

/** OpenSSL's words for "this is not TLS" and "this is old TLS", as Node hands them on. */
export function refusalOfTls(error: Error): Refusal {
  const code = String((error as { code?: unknown }).code)
  if (/UNSUPPORTED_PROTOCOL|UNSUPPORTED_VERSION|NO_PROTOCOLS_AVAILABLE/.test(code)) return 'tls-version'
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|PACKET_LENGTH|RECORD_TOO_SMALL/.test(code))
    return 'not-tls'
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'handshake-timeout'
  return /^E[A-Z]+$/.test(code) ? 'handshake-aborted' : 'tls-failed'
}

const REFUSAL_SET: ReadonlySet<string> = new Set(REFUSALS)

export function isRefusal(reason: string): reason is Refusal {
  return REFUSAL_SET.has(reason)
}
