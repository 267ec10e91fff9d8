/** So many of something for each member in a window of rounds: renewed when the window has moved on by its length. */

export interface Allowance {
  has(member: number): boolean
  spend(member: number): void
}

export function createAllowance(
  most: number,
  ancientThreshold: () => number,
  roundsNonAncient: number,
): Allowance {
  const used = new Map<number, { count: number; fromRound: number }>()

  function spentBy(member: number): { count: number; fromRound: number } {
    const round = ancientThreshold()
    let spent = used.get(member)
    if (spent === undefined || round >= spent.fromRound + roundsNonAncient) {
      spent = { count: 0, fromRound: round }
      used.set(member, spent)
    }
    return spent
  }

  return {
    has: (member) => spentBy(member).count < most,
    spend: (member) => void (spentBy(member).count += 1),
  }
}
