// Decides whose connections are welcome: the other members, by key, and where to find them.
import { TransportError } from './errors.ts'

export interface PeerAddress {
  readonly memberId: number
  /** 32 bytes, raw Ed25519. */
  readonly publicKey: Uint8Array
  readonly host: string
  readonly port: number
}

export interface Roster {
  byKey(publicKey: Uint8Array): PeerAddress | undefined
  byId(memberId: number): PeerAddress | undefined
  isOwnKey(publicKey: Uint8Array): boolean
  readonly peers: readonly PeerAddress[]
}

const textOf = (key: Uint8Array): string => Buffer.from(key).toString('base64')

function badRoster(what: string): TransportError {
  return new TransportError(
    'E_BAD_ROSTER',
    what,
    'peers of the transport',
    'Give each member once, with its 32-byte key and an address.',
  )
}

/** Our own entry may be among the peers and is left out. */
export function createRoster(ownId: number, ownKey: Uint8Array, everybody: readonly PeerAddress[]): Roster {
  const own = textOf(ownKey)
  const peers = everybody.filter((peer) => peer.memberId !== ownId)
  const byId = new Map<number, PeerAddress>()
  const byKey = new Map<string, PeerAddress>()
  for (const peer of peers) {
    const text = textOf(peer.publicKey)
    if (peer.publicKey.length !== 32)
      throw badRoster(`the key of member ${peer.memberId} does not have 32 bytes`)
    if (!Number.isInteger(peer.port) || peer.port < 0 || peer.port > 65_535) {
      throw badRoster(`member ${peer.memberId} has the port ${peer.port}`)
    }
    if (text === own) throw badRoster(`member ${peer.memberId} has the key of this member (${ownId})`)
    if (byId.has(peer.memberId)) throw badRoster(`member ${peer.memberId} is there twice`)
    if (byKey.has(text)) throw badRoster(`member ${peer.memberId} has the key of another member`)
    byId.set(peer.memberId, peer)
    byKey.set(text, peer)
  }
  return {
    byKey: (key) => byKey.get(textOf(key)),
    byId: (id) => byId.get(id),
    isOwnKey: (key) => textOf(key) === own,
    peers,
  }
}

export function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** One spelling for the addresses that are commonly spelled in several ways. */
export function plainHost(host: string | undefined): string {
  if (host === undefined) return ''
  if (host === 'localhost' || host === '::1') return '127.0.0.1'
  return host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host
}
