/** The small changes to who has heard of what (lanes.ts, strays.ts); mutant-list.ts says what they are for. */

export type Change = readonly [name: string, from: string, to: string]

export const LANE_CHANGES: readonly Change[] = [
  ['lanes: every branch is at home', 'return !isHeld(s, l.tip[own]!)\n}', 'return true\n}'],
  [
    'lanes: referring to a branch does not matter',
    'if (l.pending.length > 0) referTo(l, s, f, slot)\n  merge(',
    'merge(',
  ],
  [
    'lanes: given to older events',
    'if (l.tip[other]! >= oldest || (lane !== STRAY && other > lane)) continue',
    '',
  ],
  [
    'lanes: continued by events that do not descend from it',
    'if (owner[i] === FREE || f.heard[at + i] !== tip[i]) continue',
    'if (owner[i] === FREE) continue',
  ],
  [
    'lanes: received along self-chains only',
    'for (let e = least; e >= tail; e = below[e & mask]!)',
    'for (let e = least; e >= tail; e = s.selfParent[e & mask]!)',
  ],
  ['lanes: of several chains moved as one', 'const mixed = !gone && isMixed(s, tip)', 'const mixed = false'],
  [
    'lanes: what the self-parent has heard of is left out',
    'heard[into + k] = Math.max(heard[into + k]!, heard[from + k]!)',
    'heard[into + k] = heard[into + k]!',
  ],
  ['lanes: moved without what was heard', 'f.heard[at + own] = f.heard[at + lane]!', ''],
  ['lanes: other-parents are not heard', 'heard[into + i] = x > y ? x : y', 'heard[into + i] = x'],
  ['lanes: only the first two parents are heard', 'if (y > heard[into + i]!) heard[into + i] = y', ''],
  ['lanes: strays are received by any judge', 'if (count < judges.length ||', 'if (count === 0 ||'],
  [
    'lanes: strays take the time of the first judge',
    'medians.set(e, weightedMedian(Float64Array.from(known), weights, count))',
    'medians.set(e, known[0]!)',
  ],
  ['lanes: a branch does not end the fast way', 'if (own >= 0) l.branches += 1', ''],
]
