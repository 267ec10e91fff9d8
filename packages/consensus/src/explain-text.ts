/** Decides in which words an explanation is told: those of the spec, one fact a line, from the round to the place. */
import type {
  Explanation,
  FameReason,
  Placement,
  RoundReason,
  StronglySeen,
  VoteReason,
} from './explain-types.ts'

/** How members and times are called. What `member` gives is printed as it is. */
export interface ExplanationWords {
  readonly member?: (id: number) => string
  /** Of microseconds since the Unix epoch. */
  readonly time?: (timestamp: number) => string
}

type Words = Required<ExplanationWords>

const short = (id: string): string => `${id.slice(0, 8)}…`

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

const listed = (ids: readonly string[]): string => (ids.length === 0 ? 'none' : ids.map(short).join(', '))

function headLines(e: Explanation, words: Words): string[] {
  const count = counted(e.transactionCount, 'transaction')
  return [
    `event ${e.id}`,
    `  by ${words.member(e.creator)}, ${count}, birth round ${e.birthRound}, coin ${e.coin}`,
    `  its own time ${words.time(e.timestamp)}`,
    `  self-parent ${e.selfParent === null ? 'none' : short(e.selfParent)}, other-parents ${listed(e.otherParents)}`,
  ]
}

function strongLine(seen: StronglySeen, id: string, words: Words): string {
  const by = seen.countedBy === id ? '' : `, as its ancestor ${short(seen.countedBy)} does`
  const through = seen.through.map(words.member).join(', ')
  return `    ${words.member(seen.member)} ${short(seen.witness)} weight ${seen.weight}, through ${through}${by}`
}

/** Why it has the round that it has. */
function ruleOfRound(reason: RoundReason): string {
  const { round, parentRound, stronglySeenWeight: weight, totalWeight: total } = reason
  if (reason.baseJudge)
    return `it is a judge of round ${reason.base.round} and has no parent with a round, so it keeps that round`
  if (round === null) return 'it descends from no judge of the base, so it takes no part'
  if (parentRound === null) return 'round 1: it is a first event, without parents'
  const whether = round > parentRound ? 'more than two thirds' : 'not more than two thirds'
  const rule = round > parentRound ? 'so one round more than its parents' : 'so the round of its parents'
  return `its parents reach round ${parentRound}; it strongly sees weight ${weight} of ${total} of that round, ${whether}, ${rule}`
}

function roundLines(reason: RoundReason, id: string, words: Words): string[] {
  const { base, election, round } = reason
  const title = round === null ? 'no round' : `round ${round}${reason.witness ? ', a witness' : ''}`
  const on = base.round === 0 ? 'genesis' : `the judges of round ${base.round}: ${listed(base.judges)}`
  return [
    title,
    `  in the election of round ${election}, which stands on ${on}`,
    `  ${ruleOfRound(reason)}`,
    ...(reason.stronglySees.length === 0 ? [] : ['  strongly sees the witnesses']),
    ...reason.stronglySees.map((seen) => strongLine(seen, id, words)),
  ]
}

function voteLine(vote: VoteReason, words: Words): string {
  const { yesWeight, noWeight, sees } = vote
  const answer = vote.vote ? 'yes' : 'no '
  const head = `    round ${vote.round}  ${words.member(vote.member)} ${short(vote.voter)}  ${answer}`
  if (yesWeight === null || noWeight === null) {
    if (vote.vote) return `${head}  sees it`
    return `${head}  ${sees === null ? 'sees no witness of its creator' : `sees ${short(sees)} in its place`}`
  }
  const facts = [
    `counts ${yesWeight} yes, ${noWeight} no`,
    ...(vote.strong ? ['strong'] : []),
    ...(vote.coinRound ? [vote.coinUsed ? 'coin round: its coin' : 'coin round: decides nothing'] : []),
    ...(vote.decides ? ['this decides'] : []),
  ]
  return `${head}  ${facts.join(', ')}`
}

function fameLines(fame: FameReason, words: Words): string[] {
  const votes = fame.votes.map((vote) => voteLine(vote, words))
  const why = fame.late
    ? [`  it came after a witness of round ${fame.round + 2}: too late to be a candidate`]
    : votes.length === 0
      ? ['  nobody has voted on it yet']
      : [
          '  votes',
          ...votes,
          ...(fame.unanimous
            ? ['  one vote of every member, and all alike: nothing can come out otherwise']
            : []),
        ]
  const judge = fame.judge
    ? [`judge of round ${fame.round}`]
    : fame.judgeInstead === null
      ? []
      : [`no judge: ${short(fame.judgeInstead)} of the same creator is famous as well, and its id is less`]
  const status = fame.status === 'undecided' ? 'fame undecided' : fame.status
  return [`${status} in the election of round ${fame.round}`, ...why, ...judge]
}

function orderedLines(place: Extract<Placement, { kind: 'ordered' }>, words: Words): string[] {
  const judges = place.judges.map(
    ({ judge, member, weight, knownBy, timestamp }) =>
      `    ${words.member(member)} ${short(judge)} weight ${weight}  ${words.time(timestamp)}  ` +
      (knownBy === judge ? 'by itself' : `by ${short(knownBy)}`),
  )
  const moved = place.movedOn ? ', one more than the last time given, which was not earlier' : ''
  return [
    `received in round ${place.receivedRound}: all its judges descend from it`,
    '  when each judge first knew it',
    ...judges,
    `  weighted median ${words.time(place.medianTime)}`,
    `  sorted by that, then by rank ${place.rank}, then by whitened id ${short(place.whitenedId)}`,
    `place ${place.order} in the order, consensus timestamp ${words.time(place.timestamp)}${moved}`,
  ]
}

function undecidedLines(place: Extract<Placement, { kind: 'undecided' }>): string[] {
  const { election, candidates, undecidedCandidates: open, highestWitnessRound: highest } = place
  const state =
    candidates === 0
      ? 'no witness of that round is known yet'
      : `${open} of ${counted(candidates, 'candidate')} undecided`
  const votes = highest === null ? '' : `; the newest witness is of round ${highest}`
  return [
    'not ordered yet: not every judge of a decided round descends from it',
    `  the election of round ${election} is open: ${state}${votes}`,
  ]
}

function placeLines(place: Placement, words: Words): string[] {
  switch (place.kind) {
    case 'ordered':
      return orderedLines(place, words)
    case 'undecided':
      return undecidedLines(place)
    case 'stale':
      return [
        `stale: ancient since round ${place.decidedRound} was decided, without having been ordered; nobody will ever order it`,
        `  its birth round is below the ancient threshold ${place.ancientThreshold}`,
      ]
    case 'ancient':
      return [
        `ancient when it came: its birth round is below the threshold ${place.ancientThreshold}, so it was not added`,
      ]
    case 'before-snapshot':
      return [
        `ordered before the snapshot of round ${place.snapshotRound}: all judges of that descend from it`,
      ]
    case 'waiting':
      return [
        `nothing is decided: not all judges of the snapshot of round ${place.snapshotRound} are here yet`,
      ]
  }
}

/** An explanation as lines of text, without a newline at its end. */
export function explanationText(e: Explanation, words: ExplanationWords = {}): string {
  const all: Words = {
    member: words.member ?? ((id) => `member ${id}`),
    time: words.time ?? ((timestamp) => `${timestamp} µs`),
  }
  const wasRound =
    e.place.kind === 'before-snapshot' && e.round?.round === null ? null : (e.roundBefore ?? e.round)
  const now =
    e.round?.round !== null && e.roundNow === null && e.place.kind === 'undecided'
      ? ['in the election that is held now it has no round']
      : []
  return [
    ...headLines(e, all),
    ...(wasRound === null ? [] : roundLines(wasRound, e.id, all)),
    ...now,
    ...(e.fame === null ? [] : fameLines(e.fame, all)),
    ...(e.roundBefore === null || e.round === null
      ? []
      : [`in the election of round ${e.round.election}: ${ruleOfRound(e.round)}`]),
    ...placeLines(e.place, all),
  ].join('\n')
}
