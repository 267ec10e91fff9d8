/**
 * The counting behind the unanimous fast path (packages/consensus/FAST-PATH.md) without graphs: all rosters of 4 to 10
 * members of weight 1, and all of 2 to 6 members with weights up to 5. All members that do not branch have voted alike; those that
 * branch, in every choice of less than a third of the weight, vote as they like, otherwise for everyone who counts. Whoever
 * counts sees any supermajority.
 */

const bits = function* (set: number): Generator<number> {
  for (let m = 0; set >>> m !== 0; m++) if (((set >>> m) & 1) === 1) yield m
}

const weigh = (weights: readonly number[], set: number): number =>
  [...bits(set)].reduce((sum, m) => sum + weights[m]!, 0)

/** Rosters without regard to who is who: weights do not fall. */
function* rosters(): Generator<readonly number[]> {
  for (let n = 4; n <= 10; n++) yield Array.from({ length: n }, () => 1)
  const waiting: number[][] = [1, 2, 3, 4, 5].map((weight) => [weight])
  for (let roster = waiting.pop(); roster !== undefined; roster = waiting.pop()) {
    if (roster.length > 1) yield roster
    if (roster.length === 6) continue
    for (let weight = roster.at(-1)!; weight <= 5; weight++) waiting.push([...roster, weight])
  }
}

/** In how many of the ways of counting the outcome is not the honest members' vote. Adds up the ways in `tally`. */
function countWays(weights: readonly number[], branching: number, tally: { ways: number }): number {
  const everyone = (1 << weights.length) - 1
  const total = weigh(weights, everyone)
  let wrong = 0
  for (let counted = 1; counted <= everyone; counted++) {
    const seen = weigh(weights, counted)
    if (3 * seen <= 2 * total) continue
    const liars = counted & branching
    for (let against = liars; ; against = (against - 1) & liars) {
      const contrary = weigh(weights, against)
      tally.ways += 1
      // A tie is a yes, so it would be wrong if the honest vote is no: neither vote may win by less than a majority.
      if (seen - contrary <= contrary) wrong += 1
      if (against === 0) break
    }
  }
  return wrong
}

export interface Counted {
  readonly choices: number
  readonly ways: number
  readonly contradictions: number
}

export function countAbstractly(): Counted {
  const tally = { ways: 0 }
  let contradictions = 0
  let choices = 0
  for (const weights of rosters()) {
    const everyone = (1 << weights.length) - 1
    const total = weigh(weights, everyone)
    for (let branching = 0; branching <= everyone; branching++) {
      if (3 * weigh(weights, branching) >= total) continue
      choices += 1
      contradictions += countWays(weights, branching, tally)
    }
  }
  return { choices, ways: tally.ways, contradictions }
}
