/**
 * Small changes to the ordering engine, each of which makes it a different rule. `from` stands exactly once in its file.
 */

export interface Mutant {
  readonly name: string
  /** In packages/consensus/src. */
  readonly file: string
  readonly from: string
  readonly to: string
}

function inFile(
  file: string,
  ...changes: readonly (readonly [name: string, from: string, to: string])[]
): Mutant[] {
  return changes.map(([name, from, to]) => ({ name, file, from, to }))
}

const SUPERMAJORITY = 'Number((2n * BigInt(total)) / 3n) + 1'

const roster = inFile(
  'roster.ts',
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
  ['roster: weights ignored', 'if (member.weight !== members[0]!.weight) equal = false', ''],
)

const rounds = inFile(
  'rounds.ts',
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
    'lastSeen: a later parent with the same round wins',
    'round[cs]! > round[bs]! ||',
    'round[cs]! >= round[bs]! ||',
  ],
  ['lastSeen: the round does not matter', 'round[cs]! > round[bs]! ||', ''],
  [
    'lastSeen: latest by generation across branches',
    '(generation[cs]! > generation[bs]! && firstSelfWitness[cs] === firstSelfWitness[bs])',
    'generation[cs]! > generation[bs]!',
  ],
  [
    'lastSeen: the first one stays',
    '(generation[cs]! > generation[bs]! && firstSelfWitness[cs] === firstSelfWitness[bs])',
    'false',
  ],
  ['generation: always one', 's.generation[slot] = generation + 1', 's.generation[slot] = 1'],
  [
    'stronglySeen: not remembered from parents',
    'rememberStrong(s, f, slot, at + 2 * f.words, row, parentRound)',
    '',
  ],
  [
    'stronglySeen: remembered from another round',
    's.round[p & mask] === 0 || s.parentRound[p & mask] !== parentRound',
    's.round[p & mask] === 0',
  ],
  ['stronglySeen: the last parent wins', '|| (bits[at + (m >>> 5)]! & bit) !== 0) continue', ') continue'],
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
  ['genesis: at any time', 'f.base === 0 && count === 0 ? 1 : 0', 'count === 0 ? f.base + 1 : 0'],
  [
    'witness: the first event of a round by anyone',
    's.firstWitness[slot] = s.firstWitness[p & s.mask]!',
    's.firstWitness[slot] = x',
  ],
  [
    'witness: a self-parent of an earlier round counts',
    's.round[self & s.mask] === parentRound\n    s.first',
    's.round[self & s.mask]! > 0\n    s.first',
  ],
  [
    'own witness: of oneself, not of the self-parent',
    'const last = m === s.member[slot] ? s.selfParent[slot]! : f.seen[row + m]!',
    'const last = f.seen[row + m]!',
  ],
)

const election = inFile(
  'election.ts',
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
    'const strongYes = columnsAtLeast(c, w, supermajority, equal)',
    'const strongYes = columnsAtLeast(c, w, supermajority - 1, equal)',
  ],
  [
    'vote: strong of what is seen',
    'const strongYes = columnsAtLeast(c, w, supermajority, equal)',
    'const strongYes = columnsAtLeast(c, w, Math.floor((2 * total) / 3) + 1, equal)',
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
)

const order = inFile(
  'order.ts',
  ['median: the lower one', '(width >>> 1) + 1', '(width + 1) >>> 1'],
  ['median: the least time', 'select(values, width, (width >>> 1) + 1)', 'select(values, width, 1)'],
  ['median: half of the weight is enough', '2 * sum > total', '2 * sum >= total'],
  ['median: weights ignored', 'roster.equal ? select', 'width > 0 ? select'],
  [
    'median: the mean',
    'select(values, width, (width >>> 1) + 1)',
    'Math.floor(values.subarray(0, width).reduce((a, b) => a + b, 0) / width)',
  ],
  [
    'time: of the judge itself',
    'if (self >= s.tail && s.state[self & s.mask] === LIVE) s.chain[self & s.mask] = chain',
    '',
  ],
  [
    'time: the latest self-ancestor',
    'if (times[from + j]! < times[to + j]!)',
    'if (times[from + j]! > times[to + j]!)',
  ],
  ['received: by any judge', 'if (j === width) {', 'if (j > 0) {'],
  [
    'sort: times as text',
    'const byTime = medians[a]! - medians[b]!',
    'const byTime = `${medians[a]}`.localeCompare(`${medians[b]}`)',
  ],
  ['sort: without rank', 'if (mark[x] !== mark[y]) return mark[x]! - mark[y]!', ''],
  ['sort: without ids', 'return compareWhitened(s.ids[x]!, s.ids[y]!, white)', 'return 0'],
  ['sort: ids not whitened', 'xor[i]! ^= id[i]!', 'xor[i]! ^= id[i]! & 0'],
  ['sort: whitened by the last judge', 'xor[i]! ^= id[i]!', 'xor[i] = id[i]!'],
  [
    'empty round: the first judge’s time',
    'return weightedMedian(times, weights, judges.length)',
    'return times[0]!',
  ],
)

const engine = inFile(
  'engine.ts',
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
  ['ancient: kept until ordered', 'if (s.birthRound[slot]! < threshold) s.state[slot] = GONE', ''],
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
  ['base: metadata kept though not all witnesses are judges', '|| witnesses !== judges.length', ''],
  [
    'base: metadata kept though a member has branched',
    'k.alwaysAfresh || f.branching ||',
    'k.alwaysAfresh ||',
  ],
  ['base: metadata kept though the roster changed', 'if (adoptRoster(k)) afresh = true', 'adoptRoster(k)'],
  [
    'base: judges that are ordered are dropped',
    's.state[slot] === LIVE || s.judge[slot] === 1',
    's.state[slot] === LIVE',
  ],
  ['base: one decision at a time', '} while (replayElection(k))', '} while (false)'],
  ['snapshot: nothing counts as ordered', 'for (const x of o.received) s.state[x & s.mask] = GONE', ''],
  ['snapshot: its time is forgotten', 'this.lastTimestamp = snapshot.lastTimestamp', ''],
  ['snapshot: its threshold is forgotten', 'this.ancientThreshold = snapshot.ancientThreshold', ''],
  [
    'snapshot: does not wait for all judges',
    'if (k.missingJudges === 0) startFromSnapshot(k)',
    'k.missingJudges = 0\n  startFromSnapshot(k)',
  ],
  ['renumbering: rounds off by one', 'k.f.roundOffset += k.f.base - 1', 'k.f.roundOffset += k.f.base'],
)

const store = inFile(
  'store.ts',
  [
    'base: an ordered judge is no parent',
    's.state[slot] === GONE && s.judge[slot] === 0 ? -1 : index',
    's.state[slot] === GONE ? -1 : index',
  ],
  ['parents: ordered ones stay', 's.state[slot] === GONE && s.judge[slot] === 0 ? -1 : index', 'index'],
)

export const MUTANTS: readonly Mutant[] = [...roster, ...rounds, ...election, ...order, ...engine, ...store]
