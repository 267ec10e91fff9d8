// Decides how the parts work together. One authenticated connection for each pair of members: the server (server.ts) and the dialler
// (dialer.ts) bring authenticated WebSockets, the link table (link-table.ts) keeps the newest for each member, one sweep (sweep.ts)
// looks after every deadline. Nothing in here knows what a frame means.
import { createIdentity, secureContextOf } from './certificate.ts'
import { createDialer } from './dialer.ts'
import { createEventQueue, type LinkFigures, type TransportEvent } from './events.ts'
import { limitsWith, type TransportLimits } from './limits.ts'
import { createLinkTable, type LinkTable } from './link-table.ts'
import { createCounters } from './refusals.ts'
import { createRoster, type PeerAddress, plainHost, type Roster, sameKey } from './roster.ts'
import { type Server, startServer } from './server.ts'
import { startSweep } from './sweep.ts'

export interface TransportOptions {
  readonly memberId: number
  /** 32 bytes, the Ed25519 seed. */
  readonly secretKey: Uint8Array
  /** 32 bytes, raw Ed25519. */
  readonly publicKey: Uint8Array
  /** Port 0: any free one, see `address`. */
  readonly listen: { readonly host: string; readonly port: number }
  readonly peers: readonly PeerAddress[]
  readonly onEvent: (event: TransportEvent) => void
  readonly limits?: Partial<TransportLimits>
}

export interface Transport {
  /**
   * The bytes are read until they have left: do not change them after this. On a link that is closed: nothing.
   * Throws only for a frame above maxFrameBytes, which is the caller's mistake.
   */
  send(link: number, frame: Uint8Array): void
  /** What was sent and has not been taken by the system yet; 0 for a link that is closed. */
  bufferedBytes(link: number): number
  /** `reason` is sent to the peer (its first 60 characters) and comes back in `closed`. The peer may dial again. */
  close(link: number, reason: string): void
  /**
   * The roster from now on: whoever is no longer in it, or has another key, loses its link; who is dialled from here and has moved is
   * dialled anew.
   */
  setPeers(peers: readonly PeerAddress[]): void
  address(): { host: string; port: number }
  /** Names are those of REFUSALS and TALLIES. */
  counters(): Readonly<Record<string, number>>
  links(): readonly LinkFigures[]
  /** Ends everything within a second. Every link is told to be closed before this resolves, and nothing is told after. */
  stop(): Promise<void>
}

/** Members without a link, who may therefore be about to come in: all of them, or those at one host. */
function expectedFrom(roster: Roster, links: LinkTable, host: string | undefined): number {
  let count = 0
  for (const peer of roster.peers) {
    if (host !== undefined && plainHost(peer.host) !== host) continue
    if (!links.hasMember(peer.memberId)) count += 1
  }
  return count
}

async function shutDown(links: LinkTable, server: Server, closeWithinMs: number): Promise<void> {
  links.closeAll('stopped')
  const polite = Promise.all([server.close(), links.gone()])
  const timer = setTimeout(links.destroyAll, closeWithinMs)
  await polite
  clearTimeout(timer)
}

/** Rejects with a TransportError: E_PORT_IN_USE and the other codes of errors.ts. */
export async function startTransport(options: TransportOptions): Promise<Transport> {
  const { memberId: ownId, publicKey } = options
  const limits = limitsWith(options.limits)
  const counters = createCounters()
  const events = createEventQueue(options.onEvent)
  let roster = createRoster(ownId, publicKey, options.peers)
  const identity = await createIdentity(options.secretKey, publicKey)
  let stopping: Promise<void> | undefined

  const sweep = startSweep(limits.sweepEveryMs, (atMs) => {
    links.sweep(atMs)
    dialer.expire(atMs)
    server?.expire(atMs)
  })
  const links = createLinkTable({
    limits,
    counters,
    emit: events.emit,
    onClosed: (memberId, livedMs) => dialer.unlinked(memberId, livedMs),
  })
  const open: LinkTable['open'] = (memberId, ws, socket) => {
    // In this order: the owner may close the link while it is told of it, and then the dialler has to begin again.
    dialer.linked(memberId)
    links.open(memberId, ws, socket)
  }
  const shared = { limits, counters, open, roster: () => roster }
  const dialer = createDialer({
    ...shared,
    ownId,
    context: secureContextOf(identity),
    hasLink: links.hasMember,
  })
  let server: Server | undefined
  try {
    const expected = (host: string | undefined): number => expectedFrom(roster, links, host)
    server = await startServer({ ...shared, identity, expected }, options.listen.host, options.listen.port)
  } catch (error) {
    sweep.stop()
    throw error
  }
  const listening = server
  dialer.update()

  const setPeers = (peers: readonly PeerAddress[]): void => {
    const older = roster
    roster = createRoster(ownId, publicKey, peers)
    for (const { memberId, publicKey: key, host, port } of older.peers) {
      const now = roster.byId(memberId)
      if (now === undefined || !sameKey(now.publicKey, key)) links.closeMember(memberId, 'not-in-roster')
      else if (memberId > ownId && (now.host !== host || now.port !== port)) {
        dialer.moved(memberId)
        links.closeMember(memberId, 'moved')
      }
    }
    dialer.update()
  }
  const stop = (): Promise<void> => {
    sweep.stop()
    dialer.stop()
    return events.during(() => shutDown(links, listening, limits.closeWithinMs))
  }
  return {
    send: (link, frame) => events.during(() => links.send(link, frame)),
    bufferedBytes: links.bufferedBytes,
    close: (link, reason) => events.during(() => links.close(link, reason)),
    setPeers: (peers) => {
      if (stopping === undefined) events.during(() => setPeers(peers))
    },
    address: listening.address,
    counters: counters.snapshot,
    links: links.figures,
    stop: () => (stopping ??= stop()),
  }
}
