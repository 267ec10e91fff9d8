/**
 * Small changes to the ordering engine, each of which makes it a different rule. `from` stands exactly once in all files of
 * packages/consensus/src.
 *
 * Not here, because no difference in the result is possible while less than a third branches: which of two parents a strongly seen
 * witness is taken from (at most one can be), whether ordered parents are dropped (they have no round and are not
 * ordered twice), whether without branches a base is kept whose witnesses are not all judges (one that is
 * strongly seen is famous). Nor the guards in base.ts against a canonical branch that changes with the base, and against
 * tags of rounds beyond those that are counted: no graph was found on which leaving them out changes the result.
 * Nor, of the fast path, that ballots are compared where there is no candidate: they differ there only for a late witness, and then the votes were
 * counted before; nor that a yes is needed, which there always is.
 */

import { LANE_CHANGES } from './mutant-list-lanes.ts'
import { LATER_CHANGES } from './mutant-list-later.ts'
import type { Change } from './mutant-list-lanes.ts'

export interface Mutant {
  readonly name: string
  readonly from: string
  readonly to: string
}

const SUPERMAJORITY = 'Number((2n * BigInt(total)) / 3n) + 1'

const roster: readonly Change[] = [
  ['quorum: two thirds are enough', SUPERMAJORITY, 'Number((2n * BigInt(total) + 2n) / 3n)'],
  ['quorum: half is enough', SUPERMAJORITY, 'Math.floor(total / 2) + 1'],
  ['quorum: in floating point', SUPERMAJORITY, 'Math.floor((2 * total) / 3) + 1'],
  ['quorum: one more than needed', SUPERMAJORITY, 'Number((2n * BigInt(total)) / 3n) + 2'],
  ['roster: changes one round late', 'dense[1]!.fromRound <= round', 'dense[1]!.fromRound < round'],
  ['roster: changes one round early', 'dense[1]!.fromRound <= round', 'dense[1]!.fromRound <= round + 1'],
  [
    'roster: members in the order given',
    '[...roster.members].sort((a, b) => a.id - b.id)',
    '[...roster.members]',
  ],
  [
    'roster: members sorted as text',
    '.sort((a, b) => a.id - b.id)',
    '.sort((a, b) => (`${a.id}` < `${b.id}` ? -1 : 1))',
  ],
  ['seen: witnesses of the round before are lost', 'previous |= bits[from + words]!', ''],
  ['roster: weights ignored', 'if (member.weight !== members[0]!.weight) equal = false', ''],
]

const rounds: readonly Change[] = [
  [
    'lastSeen: a later parent with the same round wins',
    'if (r < bestRound || r === 0) continue',
    'if (r === 0 || r < bestRound) continue\n      best = c\n      from = i',
  ],
  ['lastSeen: the round does not matter', 'if (r <= bestRound) {', 'if (r === 0 || bestRound > 0) {'],
  [
    'lastSeen: latest by generation across branches',
    'if (firstSelfWitness[slot] !== firstSelfWitness[best & mask]) continue',
    '',
  ],
  [
    'lastSeen: the first one stays',
    'if (generation[slot]! <= generation[best & mask]!) continue',
    'continue',
  ],
  [
    'lastSeen: the least generation',
    'if (generation[slot]! <= generation[best & mask]!) continue',
    'if (generation[slot]! >= generation[best & mask]!) continue',
  ],
  [
    'generation: always one',
    's.generation[slot] = parentGeneration(s, f) + 1\n    if (before',
    's.generation[slot] = 1\n    if (before',
  ],
  ['stronglySeen: not remembered from parents', 'rememberStrong(s, f, x, row, parentRound)', ''],
  ['stronglySeen: remembered from another round', 'if (s.parentRound[slot] !== parentRound) continue', ''],
  ['tags: two bits of three', '| (bits[tags + 2 * words]! ^ tag2)', ''],
  ['tags: shared ones are not looked into', '&& s.tag[witness & s.mask] !== SHARED_TAG', ''],
  [
    'genesis: at any time',
    'else if (f.base === 0 && s.parentCount[slot] === 0) round = 1',
    'else if (s.parentCount[slot] === 0) round = Math.max(1, f.base)',
  ],
  [
    'witness: the first event of a round by anyone',
    'firstWitness = s.firstWitness[f.upSlots[i]!]!',
    'firstWitness = x',
  ],
  [
    'witness: a self-parent of an earlier round counts',
    'if (self >= 0 && s.round[self] === parentRound)',
    'if (self >= 0)',
  ],
  ['base: a changed round is kept', 'changed.add(before)\n  changed.add(after)', ''],
  ['base: votes on a changed round are kept', ' && !(level - 1 > base && changed.has(level - 1))', ''],
  [
    'branch: never noticed',
    'if (newest !== self && hasRound(s, newest) && f.branched[own] === 0) {',
    'if (newest < -1) {',
  ],
  [
    'branch: two first events are none',
    'newest !== self && hasRound(s, newest)',
    'newest !== self && self >= 0 && hasRound(s, newest)',
  ],
  [
    'stronglySeen: branches not told apart',
    'if (f.branchedCount > 0) checkBranched(s, f, slot, row, own)',
    '',
  ],
  [
    'seenThrough: another witness of the member does as well',
    's.firstSelfWitness[seenOfM & s.mask] === witness',
    'witness >= 0',
  ],
  ['seenThrough: not through oneself', 'let weight = own >= 0 ? weights[own]! : 0', 'let weight = 0'],
  [
    'seenThrough: weights of views ignored',
    '=== witness) weight += weights[m3]!',
    '=== witness) weight += 1',
  ],
  [
    'own witness: of oneself, not of the self-parent',
    'const last = m === s.member[slot] ? s.selfParent[slot]! : f.seen[row * f.stride + m]!',
    'const last = f.seen[row * f.stride + m]!',
  ],
]

const election: readonly Change[] = [
  ['coin: never', 'const coinRound = distance % e.coinFrequency === 0', 'const coinRound = false'],
  ['coin: one round late', 'distance % e.coinFrequency === 0', 'distance % e.coinFrequency === 1'],
  ['coin: always heads', 's.coin[v & s.mask] === 1 ? -1 : 0', '-1'],
  ['coin: always tails', 's.coin[v & s.mask] === 1 ? -1 : 0', '0'],
  ['coin: turned over', 's.coin[v & s.mask] === 1 ? -1 : 0', 's.coin[v & s.mask] === 1 ? 0 : -1'],
  ['coin: against a strong vote too', '(yes & decided) | (coin & ~decided)', 'coin'],
  ['coin: replaced by the majority', '(yes & decided) | (coin & ~decided)', 'yes'],
  [
    'coin: a coin round decides',
    '      continue\n    }\n    votes[at + w] = yes',
    '    } else votes[at + w] = yes',
  ],
  ['vote: a tie is a no', 'Math.ceil(total / 2)', 'Math.floor(total / 2) + 1'],
  ['vote: majority of all weight', 'Math.ceil(total / 2)', 'Math.ceil(f.roster.total / 2)'],
  ['vote: a no never decides', 'const decided = strongYes | strongNo', 'const decided = strongYes'],
  ['vote: a yes never decides', 'const decided = strongYes | strongNo', 'const decided = strongNo'],
  [
    'vote: strong one too early',
    'const strongYes = columnsAtLeast(c, supermajority, equal)',
    'const strongYes = columnsAtLeast(c, supermajority - 1, equal)',
  ],
  [
    'vote: strong of what is seen',
    'const strongYes = columnsAtLeast(c, supermajority, equal)',
    'const strongYes = columnsAtLeast(c, Math.floor((2 * total) / 3) + 1, equal)',
  ],
  ['vote: strong no too early', 'total - supermajority + 1, equal', 'total - supermajority + 2, equal'],
  [
    'vote: by what the witness itself strongly sees',
    'const first = s.firstWitness[v & s.mask]!',
    'const first = v',
  ],
  [
    'vote: the first vote is for any branch',
    'if (f.branchedCount === 0) return\n',
    'if (f.branchedCount >= 0) return\n',
  ],
  [
    'vote: the first vote does not go back in rounds',
    'while (round[u & mask]! >= level) {',
    'while (round[u & mask]! > level + 1) {',
  ],
  ['late witness: becomes a candidate', 'if (!e.closed) addCandidate', 'addCandidate'],
  [
    'late witness: already when votes begin',
    'if (distance >= 2) e.closed = true',
    'if (distance >= 1) e.closed = true',
  ],
  ['candidates: one for each member', 'if (e.candidates[own] !== -1) {', 'if (e.candidates[own] === -2) {'],
  [
    'decision: when one candidate is decided',
    'e.undecidedCount === 0',
    'e.undecidedCount < e.candidateCount',
  ],
  [
    'judges: the greatest id',
    'compareIds(s.ids[x & s.mask]!, s.ids[other & s.mask]!) < 0',
    'compareIds(s.ids[x & s.mask]!, s.ids[other & s.mask]!) > 0',
  ],
  [
    'judges: the first one of a creator',
    'if (other < 0 || compareIds(s.ids[x & s.mask]!, s.ids[other & s.mask]!) < 0)',
    'if (other < 0)',
  ],
]

const MEDIAN = 'if (2 * before <= total && 2 * (before + weight) > total) {'

const order: readonly Change[] = [
  ['median: the least time', MEDIAN, 'if (before === 0) {'],
  ['median: the time of the last judge counted', MEDIAN, '{'],
  ['median: counting ends too early', 'settled += 1', 'settled += 2'],
  [
    'median: half of the weight is enough',
    '2 * before <= total && 2 * (before + weight) > total',
    '2 * before < total && 2 * (before + weight) >= total',
  ],
  [
    'median: half of the weight is enough in an empty round',
    'if (2 * sum > total) return',
    'if (2 * sum >= total) return',
  ],
  ['median: weights ignored', 'weights[s.member[slot]!]!, total)', '1, judges.length)'],
  [
    'time: of the judge itself',
    'times[j] = s.timestamp[chains[cursor[j]!]! & s.mask]!\n    else',
    'times[j] = s.timestamp[judges[j]! & s.mask]!\n    else',
  ],
  ['time: chains not merged by time', 'if (times[heap[child]!]! >= time) break', 'break'],
  ['received: by any judge', 'if (h < least) least = h', 'if (least === NOTHING || h > least) least = h'],
  ['received: by all judges but the first', 'if (h < least) least = h', 'if (j > 0 && h < least) least = h'],
  ['sort: times as text', 'if (other < time ||', 'if (`${other}` < `${time}` ||'],
  ['sort: runs merged by time only', 'first = x < y ||', 'first = x <= y ||'],
  ['sort: without rank', 'if (mark[x] !== mark[y]) return mark[x]! > mark[y]!', ''],
  ['sort: without ids', 'return compareWhitened(s.ids[x]!, s.ids[y]!, white) > 0', 'return false'],
  ['sort: ids not whitened', 'xor[i]! ^= id[i]!', 'xor[i]! ^= id[i]! & 0'],
  ['sort: whitened by the last judge', 'xor[i]! ^= id[i]!', 'xor[i] = id[i]!'],
  [
    'empty round: the first judge’s time',
    'return weightedMedian(times, weights, judges.length)',
    'return times[0]!',
  ],
]

const engine: readonly Change[] = [
  [
    'ancient: kept until ordered',
    'if (s.state[slot] === LIVE && s.birthRound[slot]! < threshold) bury(k, slot)',
    '',
  ],
  [
    'snapshot: nothing counts as ordered',
    'for (const x of commonAncestors(k, k.judges)) {',
    'for (const x of [] as number[]) {',
  ],
  ['ancient: window one longer', 'least - k.roundsNonAncient + 1', 'least - k.roundsNonAncient'],
  ['ancient: window one shorter', 'least - k.roundsNonAncient + 1', 'least - k.roundsNonAncient + 2'],
  [
    'ancient: the last judge’s birth round',
    'least = Math.min(least, s.birthRound[judge & s.mask]!)',
    'least = s.birthRound[judge & s.mask]!',
  ],
  [
    'ancient: the threshold itself on arrival',
    'event.birthRound < k.ancientThreshold',
    'event.birthRound <= k.ancientThreshold',
  ],
  ['ancient: the threshold itself', 's.birthRound[slot]! < threshold', 's.birthRound[slot]! <= threshold'],
  [
    'ancient: the threshold goes back',
    'if (threshold <= k.ancientThreshold) return',
    'if (threshold === k.ancientThreshold || threshold < 1) return',
  ],
  ['ancient: accepted on arrival', 'if (event.birthRound < k.ancientThreshold) return NO_EVENT', ''],
  [
    'ancient: after the round is ordered',
    'moveAncient(k, judges)\n    const events = orderRound(k, judges)',
    'const events = orderRound(k, judges)\n    moveAncient(k, judges)',
  ],
  ['slots: one for each event', 'timestamp + Math.max(1, s.transactionCount[slot]!) - 1', 'timestamp'],
  ['slots: none without transactions', 'Math.max(1, s.transactionCount[slot]!)', 's.transactionCount[slot]!'],
  [
    'times: not strictly increasing',
    'Math.max(o.medians[place]!, k.lastTimestamp + 1)',
    'Math.max(o.medians[place]!, k.lastTimestamp)',
  ],
  ['times: the medians as they are', 'Math.max(o.medians[place]!, k.lastTimestamp + 1)', 'o.medians[place]!'],
  [
    'empty round: does not move the time',
    'judgesMedian(s, k.f.roster, judges) : k.lastTimestamp + 1',
    'judgesMedian(s, k.f.roster, judges) : k.lastTimestamp',
  ],
  ['base: metadata kept though the roster changed', 'if (adoptRoster(k)) afresh = true', 'adoptRoster(k)'],
  [
    'base: judges that are ordered are dropped',
    'if (state[slot] === LIVE || judge[slot] === 1) {',
    'if (state[slot] === LIVE) {',
  ],
  ['base: one decision at a time', 'while (!k.isHeld && replayElection(k))', 'while (false)'],
  ['snapshot: its time is forgotten', 'this.lastTimestamp = snapshot.lastTimestamp', ''],
  ['snapshot: its threshold is forgotten', 'this.ancientThreshold = snapshot.ancientThreshold', ''],
  [
    'snapshot: does not wait for all judges',
    'if (k.missingJudges === 0) startFromSnapshot(k)',
    'k.missingJudges = 0\n  startFromSnapshot(k)',
  ],
  ['renumbering: rounds off by one', 'k.f.roundOffset += k.f.base - 1', 'k.f.roundOffset += k.f.base'],
]

const store: readonly Change[] = [
  [
    'base: an ordered judge is no parent',
    's.state[slot] === GONE && s.judge[slot] === 0 ? -1 : index',
    's.state[slot] === GONE ? -1 : index',
  ],
]

const fastPath: readonly Change[] = [
  ['fast path: on unless asked for', 'options.fastPath ?? false', 'options.fastPath ?? true'],
  [
    'fast path: taken with coinFrequency 2',
    'fastPath && coinFrequency >= 3',
    'fastPath && coinFrequency >= 2',
  ],
  ['fast path: not with coinFrequency 3', 'fastPath && coinFrequency >= 3', 'fastPath && coinFrequency >= 4'],
  ['fast path: never taken', 'if (e.fastPath) decideUnanimous', 'if (e.fastPath && own < 0) decideUnanimous'],
  [
    'fast path: one member may be missing',
    'if (e.castBy[ballot]! < f.size) return',
    'if (e.castBy[ballot]! < f.size - 1) return',
  ],
  [
    'fast path: a quorum is enough',
    'if (e.castBy[ballot]! < f.size) return',
    'if (3 * e.castBy[ballot]! <= 2 * f.size) return',
  ],
  [
    'fast path: ballots are not compared',
    'if (differ === 0) return i',
    'if (differ <= 0 || differ > 0) return i',
  ],
  ['fast path: ballots are never alike', 'if (differ === 0) return i', ''],
  ['fast path: a member counts as often as it votes', 'if (e.cast.includes(mine)) return', ''],
  ['fast path: ballots of the last election', 'e.castBy.length = 0', ''],
  [
    'fast path: everybody is famous',
    'famous[w]! |= votes[at + w]! & undecided[w]!',
    'famous[w]! |= undecided[w]!',
  ],
  ['stop: the next event is taken', "if (k.stopped !== '') throw new Error(k.stopped)", ''],
]

const explained: readonly Change[] = [
  ['explain: the fast path is not read', 'if (fastPath && coinFrequency >= 3) decideUnanimous()', ''],
  ['explain: a majority of ballots', 'by.size === members.size)', 'by.size > members.size / 2)'],
  ['explain: fewer members than all', 'if (members.size < roster.members.length) return', ''],
  [
    'explain: rounds are not compared',
    'if (found[key] !== wanted[key]) disagree',
    'if (found === wanted) disagree',
  ],
  [
    'explain: what was not ordered is kept for ever',
    'if (event.birthRound >= ancientThreshold) continue',
    'if (event.birthRound >= 0) continue',
  ],
  [
    'explain: one round less',
    'Math.max(first, lastRound() - rounds)',
    'Math.max(first, lastRound() - rounds + 1)',
  ],
  ['explain: what is not whole is told', 'round.election >= from + 2', 'round.election >= from - 99'],
  [
    'explain: parents that are ancient',
    'by === undefined || by.event.birthRound < threshold',
    'by === undefined',
  ],
  ['explain: rosters that came later are not known', 'rosters = [...rosters, roster]', ''],
  [
    'explain: what came before the last question only',
    'if (handle < to.fed) continue',
    'if (to.fed > 0) continue',
  ],
  ['explain: fed twice', 'if (handle < to.fed) continue', ''],
  ['explain: a tie is a no', 'counted.yes >= counted.no', 'counted.yes > counted.no'],
  [
    'explain: the later median',
    'if (2n * weightSoFar > total) return time',
    'if (2n * weightSoFar >= total) return time',
  ],
]

export const MUTANTS: readonly Mutant[] = [
  roster,
  rounds,
  election,
  order,
  LANE_CHANGES,
  LATER_CHANGES,
  engine,
  store,
  fastPath,
  explained,
]
  .flat()
  .map(([name, from, to]) => ({ name, from, to }))
