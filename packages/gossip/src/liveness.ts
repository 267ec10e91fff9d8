/**
 * Which peers are alive, among members that may lie. SWIM (Das et al. 2002) with every claim in a form that only the one
 * whom it speaks of can make, and Lifeguard's local health (Dadgar et al. 2017); gossip design, section 3.
 *
 *  - Every authenticated frame is a sign of life. Who has been silent for `pingAfterMs` gets a PING with a nonce.
 *  - After twice that, up to three other peers are asked to challenge it; its answer is signed by itself over the nonce of who
 *    wants to know, so nobody in between can fake life. Such an answer means that only the link is bad.
 *  - When nothing comes for another `probeWaitMs`, times one more than the local health counter, it is suspected. A link
 *    that closed and is not back after `reopenMs` makes it suspected at once.
 *  - Suspicions are signed records, with the newest event and state record known of the suspect: whoever knows a newer one
 *    knows that the suspicion is void, and so a suspect refutes it by saying anything at all. A member that hears that it is
 *    suspected says something.
 *  - DOWN is when members of a third of the weight or more (one of them honest) have suspected it for `confirmMs`, nothing
 *    refutes that, and it is not heard here either.
 *
 * All this steers whom to talk to and what to show, never what is valid, who is a member, or what is a quorum.
 */
import { ascii, concatBytes, encodeCbor, type CryptoSuite, type Member } from '@hearsay/dag'
import type { Frame } from './frames.ts'
import { RECORD_KINDS, type NodeRecord, type RecordBook } from './records.ts'
import { decodeSuspicions, encodeSuspicions, MAX_SUSPECTS, type Suspicion } from './suspicions.ts'

const DOMAIN = ascii('hearsay.alive.1\n')
const HELPERS = 3
/** Finite, so that times may be added to it. */
const NEVER_MS: number = Number.MIN_SAFE_INTEGER
const MOST_HEALTH = 8
/** Answers to challenges, and challenges passed on, a second. */
const PROBES_PER_SECOND = 20
export const PROBE_NONCE_BYTES = 16

export interface LivenessTuning {
  readonly pingAfterMs: number
  readonly probeWaitMs: number
  readonly reopenMs: number
  readonly confirmMs: number
}

export type Liveness = 'up' | 'suspected' | 'down' | 'unknown'

export interface LivenessView {
  readonly memberId: number
  readonly state: Liveness
  /** Since when nothing was heard; infinite if nothing ever was. */
  readonly silentMs: number
  /** Smoothed round trip of pings; undefined before the first. */
  readonly roundTripMs: number | undefined
  readonly suspectedBy: readonly number[]
}

export interface LivenessParts {
  readonly self: number
  readonly members: readonly Member[]
  readonly networkId: Uint8Array
  readonly secretKey: Uint8Array
  readonly suite: CryptoSuite
  readonly tuning: LivenessTuning
  readonly random: () => number
  readonly book: RecordBook
  readonly sequenceOf: (creator: number) => number
  readonly send: (link: number, frame: Frame) => void
  /** New own suspicions. */
  readonly publish: (content: Uint8Array) => void
  /** Others suspect this member: it should say something. */
  readonly onSuspected: () => void
}

export interface LivenessDetector {
  opened(link: number, memberId: number, nowMs: number): void
  closed(link: number, nowMs: number): void
  /** Anything came over the link. */
  heard(link: number, nowMs: number): void
  frame(link: number, frame: Frame, nowMs: number): void
  record(record: NodeRecord, nowMs: number): void
  tick(nowMs: number): void
  nextTickMs(): number | undefined
  stateOf(memberId: number, nowMs: number): Liveness
  view(nowMs: number): readonly LivenessView[]
  health(): number
  /** How late timers fire here: what is late may be late because of that. */
  lag(loopLagMs: number): void
}

interface Peer {
  readonly memberId: number
  readonly publicKey: Uint8Array
  readonly weight: number
  link: number | undefined
  heardMs: number
  closedMs: number
  pingNonce: number | undefined
  pingedMs: number
  roundTripMs: number | undefined
  probe: { readonly nonce: Uint8Array; readonly atMs: number } | undefined
  /** Heard of through others by its own signature. */
  vouchedMs: number
  suspectedMs: number | undefined
}

export function createLiveness(parts: LivenessParts): LivenessDetector {
  const { self, tuning, suite, send, book } = parts
  const peers = new Map<number, Peer>()
  const byLink = new Map<number, Peer>()
  /** By suspecting member: what it says, and since when each suspect has stood there. */
  const said = new Map<number, Map<number, { readonly suspicion: Suspicion; readonly sinceMs: number }>>()
  const totalWeight = parts.members.reduce((sum, { weight }) => sum + weight, 0)
  let health = 0
  let lagMs = 0
  let probes = 0
  let probesSinceMs = -Infinity

  for (const { id, publicKey, weight } of parts.members) {
    if (id === self) continue
    peers.set(id, {
      memberId: id,
      publicKey,
      weight,
      link: undefined,
      heardMs: -Infinity,
      closedMs: Infinity,
      pingNonce: undefined,
      pingedMs: -Infinity,
      roundTripMs: undefined,
      probe: undefined,
      vouchedMs: NEVER_MS,
      suspectedMs: undefined,
    })
  }

  const aliveBytes = (target: number, requester: number, nonce: Uint8Array): Uint8Array =>
    concatBytes(DOMAIN, parts.networkId, encodeCbor([target, requester, nonce]))

  function mayProbe(nowMs: number): boolean {
    if (nowMs - probesSinceMs >= 1_000) {
      probesSinceMs = nowMs
      probes = 0
    }
    probes += 1
    return probes <= PROBES_PER_SECOND
  }

  function changeHealth(by: number): void {
    health = Math.min(MOST_HEALTH, Math.max(0, health + by))
  }

  function heard(link: number, nowMs: number): void {
    const peer = byLink.get(link)
    if (peer === undefined) return
    peer.heardMs = nowMs
    peer.probe = undefined
    if (peer.suspectedMs !== undefined) unsuspect(peer, nowMs)
  }

  function unsuspect(peer: Peer, nowMs: number): void {
    // It was not down after all: this member may be the slow one.
    if (nowMs - peer.suspectedMs! < 10 * tuning.confirmMs) changeHealth(1)
    peer.suspectedMs = undefined
    publish()
  }

  function publish(): void {
    const suspects = [...peers.values()].filter(({ suspectedMs }) => suspectedMs !== undefined)
    parts.publish(
      encodeSuspicions(
        suspects.slice(0, MAX_SUSPECTS).map(({ memberId }) => {
          const state = book.get(memberId, RECORD_KINDS.state)
          const sequence = parts.sequenceOf(memberId)
          return { target: memberId, sequence, epoch: state?.epoch ?? 0, version: state?.version ?? 0 }
        }),
      ),
    )
  }

  function suspect(peer: Peer, nowMs: number): void {
    peer.suspectedMs = nowMs
    publish()
  }

  /** Something newer than the suspecting member knew has come from the suspect. */
  function isRefuted({ target, sequence, epoch, version }: Suspicion): boolean {
    if (parts.sequenceOf(target) > sequence) return true
    const state = book.get(target, RECORD_KINDS.state)
    return state !== undefined && (state.epoch > epoch || (state.epoch === epoch && state.version > version))
  }

  function record(heardRecord: NodeRecord, nowMs: number): void {
    if (heardRecord.kind !== RECORD_KINDS.suspicions) return
    const before = said.get(heardRecord.member)
    const now = new Map<number, { suspicion: Suspicion; sinceMs: number }>()
    for (const suspicion of decodeSuspicions(heardRecord.content)) {
      now.set(suspicion.target, { suspicion, sinceMs: before?.get(suspicion.target)?.sinceMs ?? nowMs })
      if (suspicion.target === self && !isRefuted(suspicion)) parts.onSuspected()
    }
    said.set(heardRecord.member, now)
  }

  function suspecting(peer: Peer, nowMs: number, forMs: number): number[] {
    const who: number[] = []
    if (peer.suspectedMs !== undefined && nowMs - peer.suspectedMs >= forMs) who.push(self)
    for (const [member, suspects] of said) {
      const entry = suspects.get(peer.memberId)
      if (entry === undefined || member === peer.memberId) continue
      if (nowMs - entry.sinceMs >= forMs && !isRefuted(entry.suspicion)) who.push(member)
    }
    return who
  }

  const weightOf = (ids: readonly number[]): number =>
    parts.members.reduce((sum, { id, weight }) => (ids.includes(id) ? sum + weight : sum), 0)

  function stateOf(memberId: number, nowMs: number): Liveness {
    const peer = peers.get(memberId)
    if (peer === undefined) return 'unknown'
    const isHeard = nowMs - Math.max(peer.heardMs, peer.vouchedMs) < 2 * tuning.pingAfterMs
    if (peer.suspectedMs === undefined && isHeard) return 'up'
    if (3 * weightOf(suspecting(peer, nowMs, tuning.confirmMs)) >= totalWeight) return 'down'
    if (peer.suspectedMs !== undefined) return 'suspected'
    return peer.heardMs === -Infinity ? 'unknown' : 'up'
  }

  /** Silent since; for a link that closed, since then. */
  const silentSince = (peer: Peer): number => Math.max(peer.heardMs, peer.vouchedMs)

  function askAround(peer: Peer, nowMs: number): void {
    const nonce = Uint8Array.from({ length: PROBE_NONCE_BYTES }, () => Math.floor(parts.random() * 256))
    peer.probe = { nonce, atMs: nowMs }
    const others = [...byLink].filter(([, other]) => other !== peer && other.suspectedMs === undefined)
    for (let i = 0; i < HELPERS && others.length > 0; i++) {
      const [chosen] = others.splice(Math.floor(parts.random() * others.length), 1)
      send(chosen![0], { kind: 'probe-ask', target: peer.memberId, nonce })
    }
  }

  /** What is due for a peer next, and when. */
  function due(peer: Peer): { readonly atMs: number; readonly act: (nowMs: number) => void } | undefined {
    if (peer.suspectedMs !== undefined) return undefined
    if (peer.link === undefined) {
      if (peer.closedMs === Infinity) return undefined
      const atMs = Math.max(peer.closedMs + tuning.reopenMs, peer.vouchedMs + 2 * tuning.pingAfterMs)
      return { atMs, act: (nowMs) => suspect(peer, nowMs) }
    }
    const sinceMs = silentSince(peer)
    if (peer.pingNonce === undefined || peer.pingedMs < sinceMs) {
      // One of the two begins, and then the other has heard something too.
      const afterMs = tuning.pingAfterMs * (self < peer.memberId ? 1 : 1.1)
      return { atMs: sinceMs + afterMs, act: (nowMs) => ping(peer, nowMs) }
    }
    if (peer.probe === undefined) {
      // A ping that went out late is given its time.
      const atMs = Math.max(sinceMs + 2 * tuning.pingAfterMs, peer.pingedMs + tuning.probeWaitMs / 2)
      return { atMs, act: (nowMs) => askAround(peer, nowMs) }
    }
    return {
      atMs: peer.probe.atMs + tuning.probeWaitMs * (health + 1) + 4 * lagMs,
      act: (nowMs) => suspect(peer, nowMs),
    }
  }

  function ping(peer: Peer, nowMs: number): void {
    peer.pingNonce = Math.floor(parts.random() * 0x10000)
    peer.pingedMs = nowMs
    send(peer.link!, { kind: 'ping', nonce: peer.pingNonce })
  }

  function nextTickMs(): number | undefined {
    let next = Infinity
    for (const peer of peers.values()) next = Math.min(next, due(peer)?.atMs ?? Infinity)
    return next === Infinity ? undefined : next
  }

  function tick(nowMs: number): void {
    // This process stood still: the silence was its own.
    const lateMs = nowMs - (nextTickMs() ?? nowMs)
    if (lateMs > tuning.probeWaitMs) {
      changeHealth(1)
      for (const peer of byLink.values()) {
        peer.heardMs = Math.min(nowMs, peer.heardMs + lateMs)
        peer.probe = undefined
      }
    }
    for (const peer of peers.values()) {
      const next = due(peer)
      if (next !== undefined && next.atMs <= nowMs) next.act(nowMs)
    }
  }

  function pong(peer: Peer, nonce: number, nowMs: number): void {
    if (peer.pingNonce !== nonce) return
    peer.pingNonce = undefined
    const sampleMs = nowMs - peer.pingedMs
    peer.roundTripMs = peer.roundTripMs === undefined ? sampleMs : peer.roundTripMs * 0.875 + sampleMs * 0.125
    if (sampleMs < tuning.probeWaitMs) changeHealth(-0.25)
  }

  function frame(link: number, heardFrame: Frame, nowMs: number): void {
    const from = byLink.get(link)
    if (from === undefined) return
    if (heardFrame.kind === 'ping') return send(link, { kind: 'pong', nonce: heardFrame.nonce })
    if (heardFrame.kind === 'pong') return pong(from, heardFrame.nonce, nowMs)
    if (heardFrame.kind === 'probe-ask') {
      const target = peers.get(heardFrame.target)
      if (target?.link === undefined || !mayProbe(nowMs)) return
      return send(target.link, { kind: 'probe', requester: from.memberId, nonce: heardFrame.nonce })
    }
    if (heardFrame.kind === 'probe') {
      if (!mayProbe(nowMs)) return
      const { requester, nonce } = heardFrame
      const signature = suite.sign(parts.secretKey, aliveBytes(self, requester, nonce))
      return send(link, { kind: 'alive', target: self, requester, nonce, signature })
    }
    if (heardFrame.kind === 'alive') alive(heardFrame, nowMs)
  }

  function alive(proof: Extract<Frame, { kind: 'alive' }>, nowMs: number): void {
    const { target, requester, nonce, signature } = proof
    if (requester !== self) {
      const link = peers.get(requester)?.link
      if (link !== undefined && mayProbe(nowMs)) send(link, proof)
      return
    }
    const peer = peers.get(target)
    const isAsked = peer?.probe !== undefined && peer.probe.nonce.every((byte, i) => byte === nonce[i])
    if (peer === undefined || !isAsked || nonce.length !== PROBE_NONCE_BYTES) return
    if (!suite.verify(peer.publicKey, aliveBytes(target, self, nonce), signature)) return
    peer.vouchedMs = nowMs
    peer.probe = undefined
    if (peer.suspectedMs !== undefined) unsuspect(peer, nowMs)
  }

  return {
    opened: (link, memberId, nowMs) => {
      const peer = peers.get(memberId)
      if (peer === undefined) return
      if (peer.link !== undefined) byLink.delete(peer.link)
      byLink.set(link, peer)
      peer.link = link
      peer.pingNonce = undefined
      heard(link, nowMs)
    },
    closed: (link, nowMs) => {
      const peer = byLink.get(link)
      byLink.delete(link)
      if (peer === undefined) return
      peer.link = undefined
      peer.closedMs = nowMs
      peer.probe = undefined
    },
    heard,
    frame,
    record,
    tick,
    nextTickMs,
    stateOf,
    view: (nowMs) =>
      [...peers.values()].map((peer) => ({
        memberId: peer.memberId,
        state: stateOf(peer.memberId, nowMs),
        silentMs: nowMs - silentSince(peer),
        roundTripMs: peer.roundTripMs,
        suspectedBy: suspecting(peer, nowMs, 0),
      })),
    health: () => health,
    lag: (loopLagMs) => void (lagMs = loopLagMs),
  }
}
