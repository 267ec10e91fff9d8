/**
 * Before it makes events, a member that has just started asks the others for its own newest event that they know: the data
 * directory may be an old copy, or wiped clean, and an event made on top of what is there would be a branch. (Validators of
 * other systems watch for their own key before they sign, "doppelganger protection"; here the others can say what there is, and
 * prove it with the member's own signature.)
 *
 *   ask      nonce (16 bytes), fresh at each start
 *   answer   the nonce, then the header of the newest event of who asks that is known there; nothing if there is none
 *
 * Where links are missing, the question is passed on from member to member, and each answer, signed, goes back the same way:
 *
 *   seek     CBOR [nonce, attempt, [asker, relay, …]]: passed on once each, over at most MAX_PATH members
 *   found    CBOR [nonce, [asker, relay, …], responder, header, signature]
 *
 * It goes on when members whose weight with its own is more than two thirds have answered, all that are linked have answered or
 * had a second for it, and it holds its newest event that anybody has shown, or that one is ancient, so that nobody asks for
 * it. An answer is not believed but checked. Who shows an event and then withholds it keeps the member from making events, and the
 * status says who: a branch could not be taken back, and this can be looked into.
 */
import {
  ascii,
  bytesKey,
  concatBytes,
  decodeCbor,
  encodeCbor,
  equalBytes,
  headerOf,
  isSupermajority,
  verifyHeader,
  type CborValue,
  type CryptoSuite,
  type DecodedEvent,
  type Graph,
  type Member as RosterMember,
} from '@hearsay/dag'
import { encodeFrame } from '@hearsay/gossip'

export const NONCE_BYTES = 16
/** With a quorum of answers, members that are linked and have not answered are waited for so long. */
export const LATE_ANSWERS_MS = 1_000

/** Without a quorum of answers members are asked again, those without a link through others, first after so long, then after twice as long each time. */
export const SEEK_AFTER_MS = 1_000
const SEEK_AT_MOST_MS = 30_000
const MAX_PATH = 8
/** Questions of others that are remembered, so that each is passed on once. */
export const KEPT_QUESTIONS = 512

/** Topics of notes; 1 is that of evidence. */
export const NOTE_ASK = 2
export const NOTE_ANSWER = 3
export const NOTE_SEEK = 4
const NOTE_FOUND = 5

const DOMAIN = ascii('hearsay.newest.1')
const NOTE_LIMITS = { maxBytes: 16 * 1024 }

export interface ObserverParts {
  readonly members: readonly RosterMember[]
  readonly memberId: number
  readonly networkId: Uint8Array
  readonly suite: CryptoSuite
  readonly secretKey: Uint8Array
  readonly nonce: Uint8Array
  readonly graph: Graph
  /** Headers of members none of whose events is in the graph any more. */
  readonly headers: ReadonlyMap<number, Uint8Array>
  readonly ancientThreshold: () => number
  readonly count: (reason: string) => void
  readonly send: (link: number, frame: Uint8Array) => void
}

/** What is waited for. */
export interface Observing {
  /** Of members that have answered, and one's own. */
  readonly answeredWeight: number
  /** The newest own event that somebody has shown, and who; undefined if it is here. */
  readonly missing: { readonly sequence: number; readonly shownBy: number } | undefined
}

export interface Observer {
  greeted(link: number, memberId: number): void
  note(link: number, memberId: number, topic: number, bytes: Uint8Array): void
  closed(link: number): void
  /** What is still waited for; undefined as soon as, and ever after, own events may be made. */
  consider(ownSequence: number, nowMs: number): Observing | undefined
  /** The newest own event that was shown: it may be ancient, and then nobody brings it. */
  newest(): DecodedEvent | undefined
  nextMs(): number | undefined
}

export function createObserver(parts: ObserverParts): Observer {
  const { members, memberId, networkId, suite, nonce, graph } = parts
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  const answered = new Set<number>([memberId])
  /** Member by link, of those that have been asked and have not answered. */
  const asked = new Map<number, number>()
  /** Links by member. */
  const links = new Map<number, number>()
  const questions = new Set<string>()
  let seekMs: number | undefined
  let seekPauseMs = SEEK_AFTER_MS
  let attempts = 0
  let newest: DecodedEvent | undefined
  let shownBy = 0
  let quorumMs: number | undefined
  let isDone = false

  const say = (link: number, topic: number, bytes: Uint8Array): void =>
    parts.send(link, encodeFrame({ kind: 'note', topic, bytes }))

  const keyOf = (id: number): Uint8Array | undefined => members.find((member) => member.id === id)?.publicKey

  /** Header of the newest event of a member that is known here; empty if there is none. */
  function newestOf(member: number): Uint8Array {
    const tip = graph.tip(member)
    return tip === undefined ? (parts.headers.get(member) ?? new Uint8Array(0)) : headerOf(tip.event)
  }

  function heardAnswer(from: number, header: Uint8Array): void {
    if (header.length > 0) {
      const shown = verifyHeader(header, networkId, (id) => (id === memberId ? keyOf(id) : undefined), suite)
      if (shown === undefined) return parts.count('note-unsound')
      if (shown.sequence > (newest?.sequence ?? 0)) {
        newest = shown
        shownBy = from
      }
    }
    answered.add(from)
  }

  const signedAnswer = (
    asker: number,
    theirNonce: Uint8Array,
    responder: number,
    header: Uint8Array,
  ): Uint8Array => concatBytes(DOMAIN, networkId, encodeCbor([asker, theirNonce, responder, header]))

  function isFirst(question: string): boolean {
    if (questions.has(question)) return false
    questions.add(question)
    if (questions.size > KEPT_QUESTIONS) {
      for (const oldest of questions) {
        questions.delete(oldest)
        break
      }
    }
    return true
  }

  /** Answers who has no link here, and passes the question on. */
  function heardSeek(link: number, from: number, fields: readonly CborValue[]): boolean {
    const [theirNonce, attempt, path] = fields
    if (!isNonce(theirNonce) || typeof attempt !== 'number' || !isPath(path)) return false
    const asker = path[0]!
    if (path.at(-1) !== from || keyOf(asker) === undefined) return false
    if (path.includes(memberId) || !isFirst(`${asker}/${bytesKey(theirNonce)}/${attempt}`)) return true
    // Who asks again has not had the answer over its link here, if there is one: it may be slow, or one way only.
    if (attempt > 1 || !links.has(asker)) {
      const header = newestOf(asker)
      const signature = suite.sign(parts.secretKey, signedAnswer(asker, theirNonce, memberId, header))
      say(link, NOTE_FOUND, encodeCbor([theirNonce, path, memberId, header, signature]))
    }
    if (path.length === MAX_PATH) return true
    const further = encodeCbor([theirNonce, attempt, [...path, memberId]])
    for (const [member, each] of links) if (!path.includes(member)) say(each, NOTE_SEEK, further)
    return true
  }

  function heardFound(fields: readonly CborValue[]): boolean {
    const [theirNonce, path, responder, header, signature] = fields
    if (!isNonce(theirNonce) || !isPath(path) || typeof responder !== 'number') return false
    if (!(header instanceof Uint8Array) || !(signature instanceof Uint8Array)) return false
    const place = path.indexOf(memberId)
    if (place > 0) {
      const back = links.get(path[place - 1]!)
      if (back !== undefined) say(back, NOTE_FOUND, encodeCbor([...fields]))
      return true
    }
    if (place < 0) return false
    if (isDone || answered.has(responder) || !equalBytes(theirNonce, nonce)) return true
    const key = keyOf(responder)
    const message = signedAnswer(memberId, theirNonce, responder, header)
    if (key === undefined || !suite.verify(key, message, signature)) return false
    heardAnswer(responder, header)
    return true
  }

  function note(link: number, from: number, topic: number, bytes: Uint8Array): void {
    if (topic === NOTE_ASK) {
      if (bytes.length !== NONCE_BYTES) return parts.count('note-unsound')
      return say(link, NOTE_ANSWER, concatBytes(bytes, newestOf(from)))
    }
    if (topic === NOTE_ANSWER) {
      // Otherwise of an earlier life, or nobody asked.
      if (isDone || !equalBytes(bytes.subarray(0, NONCE_BYTES), nonce)) return
      asked.delete(link)
      return heardAnswer(from, bytes.slice(NONCE_BYTES))
    }
    if (topic !== NOTE_SEEK && topic !== NOTE_FOUND) return
    const decoded = decodeCbor(bytes.slice(), NOTE_LIMITS)
    const fields = decoded.ok && Array.isArray(decoded.value) ? (decoded.value as CborValue[]) : []
    const isSound = topic === NOTE_SEEK ? heardSeek(link, from, fields) : heardFound(fields)
    if (!isSound) parts.count('note-unsound')
  }

  /** Who has not answered is asked again, and without a link through others. */
  function considerSeeking(nowMs: number): void {
    if (quorumMs !== undefined || links.size === 0) {
      seekMs = undefined
      return
    }
    seekMs ??= nowMs + seekPauseMs
    if (nowMs < seekMs) return
    seekPauseMs = Math.min(SEEK_AT_MOST_MS, 2 * seekPauseMs)
    seekMs = nowMs + seekPauseMs
    attempts += 1
    for (const link of asked.keys()) say(link, NOTE_ASK, nonce)
    for (const link of links.values()) say(link, NOTE_SEEK, encodeCbor([nonce, attempts, [memberId]]))
  }

  function answeredWeight(): number {
    return members.reduce((sum, { id, weight }) => sum + (answered.has(id) ? weight : 0), 0)
  }

  function consider(ownSequence: number, nowMs: number): Observing | undefined {
    if (isDone) return undefined
    const weight = answeredWeight()
    quorumMs = isSupermajority(weight, total) ? (quorumMs ?? nowMs) : undefined
    considerSeeking(nowMs)
    const isHere =
      newest === undefined || newest.sequence <= ownSequence || newest.birthRound < parts.ancientThreshold()
    const isEverybodyHeard =
      quorumMs !== undefined && (asked.size === 0 || nowMs - quorumMs >= LATE_ANSWERS_MS)
    isDone = isEverybodyHeard && isHere
    if (isDone) return undefined
    return { answeredWeight: weight, missing: isHere ? undefined : { sequence: newest!.sequence, shownBy } }
  }

  return {
    greeted: (link, member) => {
      links.set(member, link)
      if (isDone) return
      seekPauseMs = SEEK_AFTER_MS
      asked.set(link, member)
      say(link, NOTE_ASK, nonce)
    },
    note,
    closed: (link) => {
      asked.delete(link)
      for (const [member, each] of links) if (each === link) links.delete(member)
    },
    consider,
    newest: () => newest,
    nextMs: () => {
      if (isDone) return undefined
      if (quorumMs === undefined) return seekMs
      return asked.size === 0 ? undefined : quorumMs + LATE_ANSWERS_MS
    },
  }
}

const isNonce = (value: CborValue | undefined): value is Uint8Array =>
  value instanceof Uint8Array && value.length === NONCE_BYTES

const isPath = (value: CborValue | undefined): value is readonly number[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= MAX_PATH &&
  value.every((id: CborValue) => typeof id === 'number')
