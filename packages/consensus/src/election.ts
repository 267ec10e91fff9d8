/**
 * Decides which witnesses of the round under election are famous: `decideFame` of the paper. Source: spec section 4
 * (votes counted over the first witness's strongly seen set, coin rounds, the rule on late witnesses);
 * and, for the unanimous fast path, FAST-PATH.md of this package.
 *
 * The votes of a witness are one bit set with a bit per candidate. A member's first candidate has the bit of the
 * member; further candidates of a member that has branched get bits after these. A bit that is not set is a no, so a
 * candidate that comes after a voter (which therefore does not have it as an ancestor) has that voter's no already.
 */
import { columnsAtLeast, countWord, reserve, weightOf } from './counting.ts'
import type { Counter } from './counting.ts'
import { ROW_SETS } from './frame.ts'
import type { Frame } from './frame.ts'
import { stronglySeenWitness } from './seeing.ts'
import type { EventStore } from './store.ts'

export class Election {
  /** Rounds as the store counts them. */
  round = 0
  coinFrequency: number
  /** Index of the candidate of each bit, −1 if there is none. */
  candidates: number[] = []
  candidateCount = 0
  undecidedCount = 0
  /** A witness two rounds above has been considered: no more candidates. */
  closed = false
  /** Words of a set of candidates. */
  words = 0
  undecided: Int32Array = new Int32Array(0)
  famous: Int32Array = new Int32Array(0)
  /** Sets of votes one after the other; the first one is empty. */
  votes: Int32Array = new Int32Array(0)
  votesEnd = 0
  /** The witnesses that have voted. */
  voters: Int32Array = new Int32Array(64)
  voterCount = 0
  /** Whether unanimous first votes decide. */
  fastPath: boolean
  /** The candidates as a set; those of them that are open are `undecided`. */
  isCandidate: Int32Array = new Int32Array(0)
  /** Where the votes of each kind of ballot are (one vote on every candidate), and how many members have cast it. */
  ballots: number[] = []
  castBy: number[] = []
  /** Which member has cast which ballot: ballot · members + member. */
  cast: number[] = []

  constructor(coinFrequency: number, fastPath: boolean) {
    this.coinFrequency = coinFrequency
    this.fastPath = fastPath && coinFrequency >= 3
  }
}

export function startElection(e: Election, f: Frame, round: number): void {
  e.round = round
  e.candidates.length = f.size
  for (let own = 0; own < f.size; own++) e.candidates[own] = -1
  e.candidateCount = 0
  e.undecidedCount = 0
  e.closed = false
  e.voterCount = 0
  if (e.undecided.length !== f.words) {
    e.undecided = new Int32Array(f.words)
    e.famous = new Int32Array(f.words)
    e.isCandidate = new Int32Array(f.words)
  }
  if (e.votes.length < f.words) e.votes = new Int32Array(f.words * 64)
  // Without fill(): for a few words the call takes longer than the loop.
  for (let w = 0; w < f.words; w++) {
    e.isCandidate[w] = 0
    e.undecided[w] = 0
    e.famous[w] = 0
    e.votes[w] = 0
  }
  e.ballots.length = 0
  e.castBy.length = 0
  e.cast.length = 0
  e.words = f.words
  e.votesEnd = e.words
}

/** Makes room for one more word of candidates in every set of votes. */
function widen(s: EventStore, e: Election): void {
  const words = e.words + 1
  const votes = new Int32Array(Math.max(e.votes.length, (e.votesEnd / e.words + 64) * words))
  for (let at = 0; at < e.votesEnd; at += e.words) {
    for (let w = 0; w < e.words; w++) votes[(at / e.words) * words + w] = e.votes[at + w]!
  }
  for (let i = 0; i < e.voterCount; i++) {
    const slot = e.voters[i]! & s.mask
    s.vote[slot] = (s.vote[slot]! / e.words) * words
  }
  e.votesEnd = (e.votesEnd / e.words) * words
  e.votes = votes
  const undecided = new Int32Array(words)
  undecided.set(e.undecided)
  e.undecided = undecided
  const famous = new Int32Array(words)
  famous.set(e.famous)
  e.famous = famous
  const isCandidate = new Int32Array(words)
  isCandidate.set(e.isCandidate)
  e.isCandidate = isCandidate
  for (let i = 0; i < e.ballots.length; i++) e.ballots[i] = (e.ballots[i]! / e.words) * words
  e.words = words
}

function addCandidate(s: EventStore, e: Election, x: number, own: number): void {
  let bit = own
  if (e.candidates[own] !== -1) {
    bit = e.candidates.length
    if (bit >= e.words * 32) widen(s, e)
    e.candidates.push(x)
  } else {
    e.candidates[own] = x
  }
  e.undecided[bit >>> 5]! |= 1 << bit
  e.isCandidate[bit >>> 5]! |= 1 << bit
  e.candidateCount += 1
  e.undecidedCount += 1
}

/** The first vote of v on a candidate of a member that has branched: does v see just this one? */
function seesCandidate(s: EventStore, f: Frame, v: number, candidate: number): boolean {
  const { mask, tail, round, firstSelfWitness, selfParent } = s
  const slot = v & mask
  const level = round[slot]!
  const last = f.seen[s.row[slot]! * f.stride + s.member[candidate & mask]!]!
  if (last < tail || round[last & mask] === 0) return false
  let u = firstSelfWitness[last & mask]!
  while (round[u & mask]! >= level) {
    const self = selfParent[u & mask]!
    if (self < tail || round[self & mask] === 0) return false
    u = firstSelfWitness[self & mask]!
  }
  return u === candidate
}

/** d = 1: the votes are what the witness sees of the round before. */
function voteFirst(s: EventStore, f: Frame, e: Election, v: number, at: number): void {
  const { votes } = e
  const previous = s.row[v & s.mask]! * f.words * ROW_SETS + f.words
  for (let w = 0; w < e.words; w++) votes[at + w] = w < f.words ? f.bits[previous + w]! : 0
  if (f.branchedCount === 0) return
  for (let bit = 0; bit < e.candidates.length; bit++) {
    const candidate = e.candidates[bit]!
    if (candidate < 0 || f.branched[s.member[candidate & s.mask]!] === 0) continue
    if (seesCandidate(s, f, v, candidate)) votes[at + (bit >>> 5)]! |= 1 << bit
    else votes[at + (bit >>> 5)]! &= ~(1 << bit)
  }
}

/** Which kind of ballot the votes at `at` are: the number of the first one that is alike on every candidate. */
function ballotOf(e: Election, at: number): number {
  const { votes, isCandidate, ballots, words } = e
  for (let i = 0; i < ballots.length; i++) {
    let differ = 0
    for (let w = 0; w < words; w++) differ |= (votes[ballots[i]! + w]! ^ votes[at + w]!) & isCandidate[w]!
    if (differ === 0) return i
  }
  e.castBy.push(0)
  return ballots.push(at) - 1
}

/**
 * The unanimous fast path (FAST-PATH.md): once every member has a witness in the first round of voting, one of each, that vote
 * alike on every candidate, no later witness can decide otherwise.
 */
function decideUnanimous(f: Frame, e: Election, own: number, at: number): void {
  const { votes, undecided, isCandidate, famous, words } = e
  const ballot = ballotOf(e, at)
  const mine = ballot * f.size + own
  if (e.cast.includes(mine)) return
  e.cast.push(mine)
  e.castBy[ballot]! += 1
  if (e.castBy[ballot]! < f.size) return
  let yes = 0
  for (let w = 0; w < words; w++) yes |= votes[at + w]! & isCandidate[w]!
  if (yes === 0) return
  for (let w = 0; w < words; w++) {
    famous[w]! |= votes[at + w]! & undecided[w]!
    undecided[w] = 0
  }
  e.undecidedCount = 0
}

/** d > 1: the votes follow those of the witnesses that the voter's first witness strongly sees, and may decide. */
function voteByCount(s: EventStore, f: Frame, e: Election, c: Counter, v: number, at: number): void {
  const { votes, words } = e
  const { weights, equal, supermajority } = f.roster
  const first = s.firstWitness[v & s.mask]!
  const strong = s.row[first & s.mask]! * f.words * ROW_SETS + 2 * f.words
  reserve(c, f.size)
  let count = 0
  for (let w = 0; w < f.words; w++) {
    for (let set = f.bits[strong + w]!; set !== 0; set &= set - 1) {
      const m = w * 32 + 31 - Math.clz32(set & -set)
      c.offsets[count] = s.vote[stronglySeenWitness(s, f, first & s.mask, first, m) & s.mask]!
      c.weights[count++] = weights[m]!
    }
  }
  const total = weightOf(f.bits, strong, f.words, weights, equal)
  if (total < supermajority) throw new Error('invariant: a first witness strongly sees no supermajority')
  const distance = s.round[v & s.mask]! - e.round
  const coinRound = distance % e.coinFrequency === 0
  const coin = s.coin[v & s.mask] === 1 ? -1 : 0
  for (let w = 0; w < words; w++) {
    countWord(c, votes, count, w, equal)
    const yes = columnsAtLeast(c, Math.ceil(total / 2), equal)
    const strongYes = columnsAtLeast(c, supermajority, equal)
    const strongNo = ~columnsAtLeast(c, total - supermajority + 1, equal)
    const decided = strongYes | strongNo
    if (coinRound) {
      votes[at + w] = (yes & decided) | (coin & ~decided)
      continue
    }
    votes[at + w] = yes
    e.famous[w]! |= strongYes & e.undecided[w]!
    for (let set = decided & e.undecided[w]!; set !== 0; set &= set - 1) e.undecidedCount -= 1
    e.undecided[w]! &= ~decided
  }
}

/** Considers one witness. Returns whether the round is decided now. */
export function consider(s: EventStore, f: Frame, e: Election, c: Counter, x: number): boolean {
  const slot = x & s.mask
  const own = s.member[slot]!
  const distance = s.round[slot]! - e.round
  if (distance >= 2) e.closed = true
  if (distance < 0 || own < 0) return false
  if (distance === 0) {
    if (!e.closed) addCandidate(s, e, x, own)
    return false
  }
  const at = e.votesEnd
  if (at + e.words > e.votes.length) {
    const votes = new Int32Array(e.votes.length * 2)
    votes.set(e.votes)
    e.votes = votes
  }
  e.votesEnd = at + e.words
  s.vote[slot] = at
  if (e.voterCount === e.voters.length) {
    const voters = new Int32Array(2 * e.voterCount)
    voters.set(e.voters)
    e.voters = voters
  }
  e.voters[e.voterCount++] = x
  if (distance === 1) {
    voteFirst(s, f, e, x, at)
    if (e.fastPath) decideUnanimous(f, e, own, at)
  } else {
    voteByCount(s, f, e, c, x, at)
  }
  return e.candidateCount > 0 && e.undecidedCount === 0
}

/** The famous candidates, of each member the one with the least id, by ascending member. */
export function electedJudges(s: EventStore, f: Frame, e: Election): number[] {
  const judges: number[] = []
  if (e.candidates.length === f.size) {
    for (let own = 0; own < f.size; own++) {
      if ((e.famous[own >>> 5]! & (1 << own)) !== 0) judges.push(e.candidates[own]!)
    }
    return judges
  }
  for (let own = 0; own < f.size; own++) {
    if ((e.famous[own >>> 5]! & (1 << own)) !== 0) judges[own] = e.candidates[own]!
    else judges[own] = -1
  }
  for (let bit = f.size; bit < e.candidates.length; bit++) {
    if ((e.famous[bit >>> 5]! & (1 << bit)) === 0) continue
    const x = e.candidates[bit]!
    const own = s.member[x & s.mask]!
    const other = judges[own]!
    if (other < 0 || compareIds(s.ids[x & s.mask]!, s.ids[other & s.mask]!) < 0) judges[own] = x
  }
  return judges.filter((judge) => judge >= 0)
}

/** Byte by byte, as unsigned numbers. */
export function compareIds(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return 0
}
