/**
 * Which decided rounds this member signs, when it tells the others, and what makes a certificate (dag: certificate.ts).
 *
 * Signed are two kinds of rounds, and every member comes to the same ones by itself:
 *
 * - **checkpoints**: the first round of each second of consensus time, so at most one a second however fast rounds are;
 * - **the last round before it goes quiet**: when there has been no work for a moment. All members that have heard the same
 *   events end in the same round.
 *
 * What is signed travels as a gossip record, not as an event: nothing is ordered because of it, so an idle network stays idle.
 * Of each member only the newest record is passed on: who missed some gets certificates of later rounds, and one certificate
 * stands for all rounds before it.
 *
 * The same records are the alarm: honest members decide the same, so who differs from members of more than a third of the
 * weight is wrong itself, or the network is beyond what it promises. Either way it must not go on.
 */
import type { Block } from '@hearsay/consensus'
import {
  bytesKey,
  equalBytes,
  isSupermajority,
  roundStatement,
  type CryptoSuite,
  type Member as RosterMember,
  type RoundCertificate,
  type RoundStatement,
} from '@hearsay/dag'
import { decodeSignedRound, encodeSignedRound, type SignedRound } from './signed-round.ts'

/** The least time between two own signatures that are told, and between two checkpoints for which the state is hashed. */
export const SIGN_EVERY_MS = 500
/** Without work for so long, the last round is signed: events that are still on their way may decide another one. */
export const QUIET_MS = 50
/** Rounds whose hash is remembered, to compare it with what others sign a little later. */
export const KEPT_ROUNDS = 1_024
/** Signed rounds remembered of a member. */
export const KEPT_SIGNATURES = 8

const MICROS = 1_000_000
/** One checkpoint in so much consensus time is kept as a state for those who come back after long (round-state.ts), by default. */
export const CARRY_EVERY_SECONDS = 30

export type CertifierEffect =
  /** Asks for the hash of the application's state after this round, the last one delivered. */
  | { readonly kind: 'state-hash'; readonly round: number }
  /** Members of more than two thirds of the weight have signed this round. */
  | { readonly kind: 'certified'; readonly certificate: RoundCertificate }
  /** Members of more than a third of the weight, so an honest one among them, have signed something else for a round decided here. */
  | Divergence

export interface Divergence {
  readonly kind: 'diverged'
  readonly round: number
  readonly blockHash: Uint8Array
  /** What was signed here; undefined if this round was passed over. */
  readonly own: SignedRound | undefined
  readonly others: readonly { readonly memberId: number; readonly statement: SignedRound }[]
}

export interface CertifierParts {
  readonly members: readonly RosterMember[]
  readonly memberId: number
  readonly networkId: Uint8Array
  readonly secretKey: Uint8Array
  readonly suite: CryptoSuite
  readonly publish: (content: Uint8Array) => void
  readonly count: (reason: string) => void
  readonly emit: (effect: CertifierEffect) => void
  /** This block is signed now, and its state is worth keeping. */
  readonly carry: (block: Block) => void
  readonly carrySeconds?: number | undefined
}

export interface Certifier {
  /** Where the ledger stood when the member started, and the last time that it had given. */
  begin(head: { readonly round: number; readonly hash: Uint8Array }, lastTimestamp: number): void
  /** The next round is decided. */
  decided(block: Block): void
  /** The answer to `state-hash`. */
  stateHash(round: number, hash: Uint8Array): void
  /** A member has said what it signed. */
  heard(memberId: number, content: Uint8Array): void
  /** `isQuiet`: there is no work, and nothing that others are known to have is missing. */
  consider(isQuiet: boolean, nowMs: number): void
  nextMs(): number | undefined
}

export function createCertifier(parts: CertifierParts): Certifier {
  const { members, memberId, networkId, suite } = parts
  const carrySeconds = parts.carrySeconds ?? CARRY_EVERY_SECONDS
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  /** Round → hash of its block, of the last ones decided here. */
  const hashes = new Map<number, Uint8Array>()
  /** Round → member → what it signed. */
  const signed = new Map<number, Map<number, SignedRound>>()
  /** Member → the rounds of which that knows, as they came. */
  const roundsOf = new Map<number, number[]>()
  let nowMs = -Infinity
  let isLive = false
  let headRound = 0
  let second = 0
  let certifiedRound = 0
  /** The newest round for which the state's hash was asked. */
  let askedRound = 0
  let checkpointMs = -Infinity
  let carriedSlot = 0
  let quiet: { readonly round: number; readonly sinceMs: number } | undefined
  let untold: SignedRound | undefined
  let toldMs = -Infinity

  function remember(round: number, hash: Uint8Array): void {
    headRound = round
    hashes.set(round, hash)
    hashes.delete(round - KEPT_ROUNDS)
  }

  function decided(block: Block): void {
    remember(block.round, block.hash)
    const isCheckpoint = Math.floor(block.lastTimestamp / MICROS) > second
    second = Math.max(second, Math.floor(block.lastTimestamp / MICROS))
    // Who catches up decides the rounds of hours in seconds: the newest ones are enough.
    if (isLive && isCheckpoint && nowMs - checkpointMs >= SIGN_EVERY_MS) {
      checkpointMs = nowMs
      ask(block.round)
      const slot = Math.floor(second / carrySeconds)
      if (slot > carriedSlot) parts.carry(block)
      carriedSlot = slot
    }
    look(block.round)
  }

  function ask(round: number): void {
    askedRound = round
    parts.emit({ kind: 'state-hash', round })
  }

  function sign(statement: RoundStatement): SignedRound {
    return { ...statement, signature: suite.sign(parts.secretKey, roundStatement(statement, networkId)) }
  }

  function stateHash(round: number, hash: Uint8Array): void {
    const blockHash = hashes.get(round)
    if (blockHash === undefined) throw new Error(`invariant: the state of round ${round} was not asked for`)
    const own = sign({ round, blockHash, stateHash: hash })
    keep(memberId, own)
    untold = own
    look(round)
  }

  function heard(from: number, content: Uint8Array): void {
    const statement = decodeSignedRound(content)
    const member = members.find(({ id }) => id === from)
    if (statement === undefined || member === undefined) return parts.count('round-signature-unsound')
    if (signed.get(statement.round)?.has(from) === true) return
    if (!suite.verify(member.publicKey, roundStatement(statement, networkId), statement.signature))
      return parts.count('round-signature-forged')
    keep(from, statement)
    look(statement.round)
  }

  function keep(from: number, statement: SignedRound): void {
    const rounds = roundsOf.get(from) ?? []
    roundsOf.set(from, rounds)
    rounds.push(statement.round)
    const byMember = signed.get(statement.round) ?? new Map<number, SignedRound>()
    signed.set(statement.round, byMember.set(from, statement))
    if (rounds.length <= KEPT_SIGNATURES) return
    const oldest = rounds.shift()!
    const others = signed.get(oldest)
    others?.delete(from)
    if (others?.size === 0) signed.delete(oldest)
  }

  function look(round: number): void {
    compare(round)
    gather(round)
  }

  function compare(round: number): void {
    const blockHash = hashes.get(round)
    const byMember = signed.get(round)
    const own = byMember?.get(memberId)
    // What was asked for comes at once, and is evidence too.
    if (blockHash === undefined || byMember === undefined || (own === undefined && round === askedRound))
      return
    const others = members.flatMap(({ id, weight }) => {
      const statement = byMember.get(id)
      if (statement === undefined) return []
      const isSame =
        equalBytes(statement.blockHash, blockHash) &&
        (own === undefined || equalBytes(statement.stateHash, own.stateHash))
      return isSame ? [] : [{ memberId: id, weight, statement }]
    })
    const weight = others.reduce((sum, each) => sum + each.weight, 0)
    if (3 * weight <= total) return
    parts.emit({ kind: 'diverged', round, blockHash, own, others })
  }

  /** A certificate of a round that is decided here, by those who signed the same block and state. */
  function gather(round: number): void {
    const blockHash = hashes.get(round)
    const byMember = signed.get(round)
    if (blockHash === undefined || byMember === undefined || round <= certifiedRound) return
    const agreeing = members.filter(({ id }) => {
      const theirs = byMember.get(id)
      return theirs !== undefined && equalBytes(theirs.blockHash, blockHash)
    })
    const states = new Map(agreeing.map(({ id }) => [bytesKey(byMember.get(id)!.stateHash), id]))
    for (const id of states.values()) {
      const { stateHash: state } = byMember.get(id)!
      const signers = agreeing.filter((member) => equalBytes(byMember.get(member.id)!.stateHash, state))
      if (
        !isSupermajority(
          signers.reduce((sum, { weight }) => sum + weight, 0),
          total,
        )
      )
        continue
      const signatures = signers
        .map((member) => ({ memberId: member.id, signature: byMember.get(member.id)!.signature }))
        .sort((a, b) => a.memberId - b.memberId)
      certifiedRound = round
      parts.emit({ kind: 'certified', certificate: { round, blockHash, stateHash: state, signatures } })
      return
    }
  }

  function considerQuiet(isQuiet: boolean): void {
    if (!isQuiet || headRound <= askedRound) quiet = undefined
    else if (quiet?.round !== headRound) quiet = { round: headRound, sinceMs: nowMs }
    else if (nowMs >= quiet.sinceMs + QUIET_MS) {
      quiet = undefined
      ask(headRound)
    }
  }

  return {
    begin: ({ round, hash }, lastTimestamp) => {
      isLive = true
      second = Math.max(second, Math.floor(lastTimestamp / MICROS))
      carriedSlot = Math.floor(second / carrySeconds)
      if (round > 0) remember(round, hash)
    },
    decided,
    stateHash,
    heard,
    consider: (isQuiet, at) => {
      nowMs = at
      considerQuiet(isQuiet)
      if (untold === undefined || nowMs < toldMs + SIGN_EVERY_MS) return
      parts.publish(encodeSignedRound(untold))
      untold = undefined
      toldMs = nowMs
    },
    nextMs: () => {
      const wishes = [
        untold === undefined ? Infinity : toldMs + SIGN_EVERY_MS,
        quiet === undefined ? Infinity : quiet.sinceMs + QUIET_MS,
      ]
      const next = Math.min(...wishes)
      return next === Infinity ? undefined : next
    },
  }
}
