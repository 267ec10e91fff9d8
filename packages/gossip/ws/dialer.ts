// Decides whom to dial and when: the member with the lower id dials the higher one, for ever, with a backoff that doubles from
// redialFirstMs to redialMostMs, each delay shortened by up to a half at random so that a restarted member is not met by everybody
// at once. Nothing is sent before the other side has proved the key of the member that was dialled.
import type { Socket } from 'node:net'
import { connect, type SecureContext, type TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { peerKeyOf } from './certificate.ts'
import type { TransportLimits } from './limits.ts'
import { type Counters, type Refusal, refusalOfTls } from './refusals.ts'
import { type PeerAddress, type Roster, sameKey } from './roster.ts'
import { nowMs } from './sweep.ts'
import { clientOptions, PATH } from './web-socket.ts'

export interface Dialer {
  /** Dials whom it should dial and is not linked, and forgets whom it should not. */
  update(): void
  /** The member is to be found elsewhere: an attempt at the old address is given up. */
  moved(memberId: number): void
  /** A link has opened, whoever dialled. */
  linked(memberId: number): void
  /** A link has closed after so long a life. */
  unlinked(memberId: number, livedMs: number): void
  expire(nowMs: number): void
  stop(): void
}

export interface DialerRules {
  readonly ownId: number
  readonly limits: TransportLimits
  readonly counters: Counters
  readonly context: SecureContext
  readonly roster: () => Roster
  readonly hasLink: (memberId: number) => boolean
  readonly open: (memberId: number, ws: WebSocket, socket: Socket) => void
}

interface Target {
  readonly memberId: number
  failures: number
  timer: NodeJS.Timeout | undefined
  attempt: Attempt | undefined
}

interface Attempt {
  readonly socket: TLSSocket
  readonly deadlineMs: number
  refused: boolean
}

interface Dialing {
  readonly rules: DialerRules
  readonly targets: Map<number, Target>
  stopped: boolean
}

function fail(dialing: Dialing, target: Target, attempt: Attempt, reason: Refusal): void {
  // What we gave up ourselves, because a link opened the other way or we stop, is nobody's fault.
  if (target.attempt === attempt && !attempt.refused) {
    attempt.refused = true
    dialing.rules.counters.count(reason)
  }
  attempt.socket.destroy()
}

/** Delay before the next attempt: 100 ms, 200 ms … 5 s, less up to a half. */
function backoffMs(limits: TransportLimits, failures: number): number {
  const full = Math.min(limits.redialFirstMs * 2 ** Math.min(failures, 30), limits.redialMostMs)
  return full * (1 - Math.random() / 2)
}

function later(dialing: Dialing, target: Target): void {
  if (dialing.stopped || dialing.targets.get(target.memberId) !== target) return
  if (target.timer !== undefined || target.attempt !== undefined) return
  if (dialing.rules.hasLink(target.memberId)) return
  const delayMs = backoffMs(dialing.rules.limits, target.failures)
  target.failures += 1
  target.timer = setTimeout(() => {
    target.timer = undefined
    dial(dialing, target)
  }, delayMs)
}

/** ws is handed the connection, so its address says nothing; what a roster calls a host need not be fit for a URL. */
const URL_OF_ANY_PEER = `wss://hearsay${PATH}`

function upgrade(dialing: Dialing, target: Target, attempt: Attempt, peer: PeerAddress): void {
  const { rules } = dialing
  const { socket } = attempt
  const ws = new WebSocket(URL_OF_ANY_PEER, {
    ...clientOptions(rules.limits),
    createConnection: () => socket,
  })
  ws.on('unexpected-response', () => fail(dialing, target, attempt, 'refused-by-peer'))
  ws.on('error', (error) => {
    const lost = (error as { code?: unknown }).code === 'ECONNRESET'
    fail(dialing, target, attempt, lost ? 'handshake-aborted' : 'bad-upgrade')
  })
  ws.once('open', () => {
    // The roster may have changed since the key was checked.
    const now = rules.roster().byId(target.memberId)
    if (now === undefined || !sameKey(now.publicKey, peer.publicKey)) {
      return fail(dialing, target, attempt, 'not-in-roster')
    }
    ws.removeAllListeners()
    target.attempt = undefined
    rules.open(target.memberId, ws, socket)
  })
}

function onSecure(dialing: Dialing, target: Target, attempt: Attempt, peer: PeerAddress): void {
  const key = peerKeyOf(attempt.socket)
  if (key === undefined) return fail(dialing, target, attempt, 'no-certificate')
  if (!sameKey(key, peer.publicKey)) return fail(dialing, target, attempt, 'wrong-peer-key')
  upgrade(dialing, target, attempt, peer)
}

/** Undefined for a host that Node refuses to look up at all (an empty one would mean ourselves). */
function connectTo(peer: PeerAddress, secureContext: SecureContext): TLSSocket | undefined {
  const { host, port } = peer
  if (host === '' || host.includes('\0')) return undefined
  // No session is kept or offered: a resumed one would show no certificate.
  const socket = connect({ host, port, secureContext, rejectUnauthorized: false })
  socket.setNoDelay(true)
  return socket
}

function dial(dialing: Dialing, target: Target): void {
  const { rules } = dialing
  const peer = rules.roster().byId(target.memberId)
  if (peer === undefined || dialing.stopped || target.attempt !== undefined) return
  rules.counters.count('dialled')
  const socket = connectTo(peer, rules.context)
  if (socket === undefined) {
    rules.counters.count('dial-failed')
    return later(dialing, target)
  }
  const deadlineMs = nowMs() + rules.limits.handshakeWithinMs
  const attempt: Attempt = { socket, deadlineMs, refused: false }
  target.attempt = attempt
  let secure = false
  socket.once('secureConnect', () => {
    secure = true
    onSecure(dialing, target, attempt, peer)
  })
  socket.on('error', (error) => {
    // Refused, unreachable and the like are no refusals of ours; what OpenSSL says is.
    const { code } = error as { code?: unknown }
    if (!secure && String(code).startsWith('ERR_SSL')) fail(dialing, target, attempt, refusalOfTls(error))
    socket.destroy()
  })
  socket.once('close', () => {
    if (target.attempt !== attempt) return
    target.attempt = undefined
    rules.counters.count('dial-failed')
    later(dialing, target)
  })
}

function halt(target: Target): void {
  clearTimeout(target.timer)
  target.timer = undefined
  const { attempt } = target
  target.attempt = undefined
  attempt?.socket.destroy()
}

function update(dialing: Dialing): void {
  const { rules, targets } = dialing
  const wanted = new Set(rules.roster().peers.map((peer) => peer.memberId))
  for (const target of targets.values()) {
    if (wanted.has(target.memberId)) continue
    targets.delete(target.memberId)
    halt(target)
  }
  for (const memberId of wanted) {
    if (memberId < rules.ownId || targets.has(memberId)) continue
    const target: Target = { memberId, failures: 0, timer: undefined, attempt: undefined }
    targets.set(memberId, target)
    if (!rules.hasLink(memberId)) dial(dialing, target)
  }
}

export function createDialer(rules: DialerRules): Dialer {
  const dialing: Dialing = { rules, targets: new Map(), stopped: false }
  const { targets } = dialing
  return {
    update: () => update(dialing),
    moved: (memberId) => {
      const target = targets.get(memberId)
      if (target === undefined) return
      halt(target)
      target.failures = 0
      later(dialing, target)
    },
    linked: (memberId) => {
      const target = targets.get(memberId)
      if (target !== undefined) halt(target)
    },
    unlinked: (memberId, livedMs) => {
      const target = targets.get(memberId)
      if (target === undefined) return
      if (livedMs >= rules.limits.stableAfterMs) target.failures = 0
      later(dialing, target)
    },
    expire: (nowMs) => {
      for (const target of targets.values()) {
        const { attempt } = target
        if (attempt === undefined || nowMs < attempt.deadlineMs) continue
        fail(dialing, target, attempt, 'handshake-timeout')
      }
    },
    stop: () => {
      dialing.stopped = true
      for (const target of targets.values()) halt(target)
    },
  }
}
