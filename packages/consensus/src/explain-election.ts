/**
 * The election of one round for explanations (spec section 4): who is a candidate, who votes what and why, and which vote
 * decides. Every vote on every candidate is kept with its reasons, until the explainer is gone.
 */
import { compareBytes } from '@hearsay/dag'
import {
  firstSeen,
  firstSelfWitness,
  isSupermajority,
  presentSelfParent,
  readEvent,
  roundOf,
  type Base,
  type Item,
  type Reading,
} from './explain-seeing.ts'

export interface Vote {
  readonly voter: Item
  /** Slot of the voter's creator. */
  readonly slot: number
  readonly round: number
  readonly yes: boolean
  readonly sees: Item | undefined
  /** Undefined in the first round of voting. */
  readonly counted: { readonly yes: number; readonly no: number } | undefined
  readonly strong: boolean
  readonly coinRound: boolean
  readonly coinUsed: boolean
}

/** What was found out about a witness of the round that was elected. */
export interface Candidacy {
  readonly item: Item
  readonly base: Base
  readonly late: boolean
  readonly votes: Map<Item, Vote>
  status: 'famous' | 'not famous' | 'undecided'
  decidedBy: Vote | undefined
  /** Decided because all first votes are alike, before any was counted. */
  unanimous: boolean
  judge: boolean
  judgeInstead: Item | undefined
}

export interface ExplainedElection {
  readonly base: Base
  /** Takes one event: its parents were taken before. */
  consider(item: Item): Reading
  /** There is a candidate, and every one is decided. */
  isDecided(): boolean
  /** By ascending member id; where a creator has several famous witnesses, the one with the least id. Marks the candidacies. */
  chooseJudges(): readonly Item[]
  /** With those that came too late. */
  candidacies(): readonly Candidacy[]
  highestWitnessRound(): number
}

/** What the voter holds for the candidate creator's witness of the elected round. */
function witnessSeen(voter: Item, slot: number, base: Base): Item | undefined {
  let seen = firstSeen(voter, slot)
  while (seen !== undefined && roundOf(seen) >= roundOf(voter)) {
    const before = presentSelfParent(seen, base)
    if (before === undefined) break
    seen = firstSelfWitness(before)
  }
  return seen
}

export interface ElectionRules {
  readonly coinFrequency: number
  readonly fastPath: boolean
}

export function createElection(base: Base, { coinFrequency, fastPath }: ElectionRules): ExplainedElection {
  const { roster } = base
  const elected = base.round + 1
  const all: Candidacy[] = []
  const firstVoters: Item[] = []
  let highestWitnessRound = 0
  /** A witness of two rounds later has been considered. */
  let isClosed = false

  function firstVote(voter: Item, { item }: Candidacy): Vote {
    const sees = witnessSeen(voter, roster.slotOf.get(item.creator)!, base)
    return {
      ...common(voter),
      yes: sees === item,
      sees,
      counted: undefined,
      strong: false,
      coinRound: false,
      coinUsed: false,
    }
  }

  const common = (voter: Item): Pick<Vote, 'voter' | 'slot' | 'round'> => ({
    voter,
    slot: roster.slotOf.get(voter.creator)!,
    round: roundOf(voter),
  })

  function laterVote(voter: Item, candidacy: Candidacy): Vote {
    const counted = { yes: 0, no: 0 }
    const first = voter.reading!.firstWitness!
    for (const [slot, strong] of first.reading!.stronglySeen.entries()) {
      if (strong === undefined) continue
      const vote = candidacy.votes.get(strong.witness)
      if (vote === undefined) throw new Error('invariant: a strongly seen witness has voted')
      counted[vote.yes ? 'yes' : 'no'] += roster.members[slot]!.weight
    }
    const strong = isSupermajority(Math.max(counted.yes, counted.no), roster)
    const coinRound = (roundOf(voter) - elected) % coinFrequency === 0
    const coinUsed = coinRound && !strong
    const yes = coinUsed ? voter.coin === 1 : counted.yes >= counted.no
    return { ...common(voter), yes, sees: undefined, counted, strong, coinRound, coinUsed }
  }

  function castVote(voter: Item, candidacy: Candidacy): void {
    const isFirst = roundOf(voter) === elected + 1
    const vote = isFirst ? firstVote(voter, candidacy) : laterVote(voter, candidacy)
    candidacy.votes.set(voter, vote)
    if (isFirst || !vote.strong || vote.coinRound) return
    candidacy.status = vote.yes ? 'famous' : 'not famous'
    candidacy.decidedBy = vote
  }

  function admit(item: Item): void {
    const candidacy: Candidacy = {
      item,
      base,
      late: isClosed,
      votes: new Map(),
      status: isClosed ? 'not famous' : 'undecided',
      decidedBy: undefined,
      unanimous: false,
      judge: false,
      judgeInstead: undefined,
    }
    all.push(candidacy)
    if (candidacy.late) return
    // Votes of the next round that were there before it; there are none of later rounds, or it would be late.
    for (const voter of firstVoters) castVote(voter, candidacy)
  }

  function consider(item: Item): Reading {
    const reading = readEvent(item, base)
    const { round } = reading
    if (!reading.witness) return reading
    highestWitnessRound = Math.max(highestWitnessRound, round)
    const isMember = roster.slotOf.has(item.creator)
    if (round === elected && isMember) admit(item)
    if (round >= elected + 2) isClosed = true
    if (round <= elected || !isMember) return reading
    for (const candidacy of all) if (candidacy.status === 'undecided') castVote(item, candidacy)
    if (round !== elected + 1) return reading
    firstVoters.push(item)
    if (fastPath && coinFrequency >= 3) decideUnanimous()
    return reading
  }

  /** FAST-PATH.md: first votes, one of every member, that are alike on every candidate. */
  function decideUnanimous(): void {
    const members = new Set(firstVoters.map((voter) => voter.creator))
    if (members.size < roster.members.length) return
    const candidates = all.filter((each) => !each.late)
    const casters = new Map<string, Set<number>>()
    for (const voter of firstVoters) {
      const ballot = candidates.map((each) => (firstVote(voter, each).yes ? 'y' : 'n')).join('')
      casters.set(ballot, (casters.get(ballot) ?? new Set()).add(voter.creator))
    }
    const unanimous = [...casters].find(([, by]) => by.size === members.size)?.[0]
    if (unanimous === undefined || !unanimous.includes('y')) return
    for (const [i, candidacy] of candidates.entries()) {
      if (candidacy.status !== 'undecided') continue
      candidacy.status = unanimous[i] === 'y' ? 'famous' : 'not famous'
      candidacy.unanimous = true
    }
  }

  function chooseJudges(): readonly Item[] {
    const famous = all.filter((each) => each.status === 'famous')
    const chosen = new Map<number, Candidacy>()
    for (const each of famous) {
      const other = chosen.get(each.item.creator)
      if (other === undefined || compareBytes(each.item.id, other.item.id) < 0)
        chosen.set(each.item.creator, each)
    }
    for (const each of famous) {
      const judge = chosen.get(each.item.creator)!
      each.judge = judge === each
      if (!each.judge) each.judgeInstead = judge.item
    }
    return [...chosen.values()].map(({ item }) => item).sort((a, b) => a.creator - b.creator)
  }

  return {
    base,
    consider,
    isDecided: () => all.some((each) => !each.late) && all.every((each) => each.status !== 'undecided'),
    chooseJudges,
    candidacies: () => all,
    highestWitnessRound: () => highestWitnessRound,
  }
}
