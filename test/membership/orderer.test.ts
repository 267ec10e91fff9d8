/**
 * The roster changes while events flow: a fifth member joins four, one gets a new key, one leaves. All order alike before, between and
 * after, whoever comes late or starts from a snapshot as well, and the chain of rosters can be checked by who holds the genesis only.
 */
import { describe, expect, test } from 'vitest'
import { verifyProof } from '@hearsay/client/verify'
import type { Block } from '@hearsay/consensus'
import { bytesKey, followRosters, roundStatement, rulingRoster, type RosterLink } from '@hearsay/dag'
import { proveInclusion } from '@hearsay/node'
import { seedOf, suite } from '../dag/making.ts'
import { createLockstep, type Lockstep, type Party } from './lockstep.ts'

const WINDOW = 6
const NEW_KEY = seedOf(99)

/** Until the change is agreed and rules everywhere. */
function settle(world: Lockstep, number: number): void {
  for (let i = 0; i < 60; i++) {
    world.turns(4)
    const isRuling = ({ orderer: { membership, decidedRound } }: Party): boolean =>
      membership!.rosterOf(decidedRound() + 1).number === number && membership!.steps().at(-1)!.isHandedOver
    if (world.parties.every(isRuling)) return
  }
  throw new Error(`roster ${number} does not rule everywhere`)
}

function expectAlike({ parties }: Lockstep): void {
  const [first] = parties
  const hashes = new Map(first!.blocks.map(({ round, hash }) => [round, bytesKey(hash)]))
  const upTo = Math.min(...parties.map(({ orderer }) => orderer.decidedRound()))
  for (const { blocks, orderer } of parties) {
    for (const { round, hash } of blocks) if (round <= upTo) expect(bytesKey(hash)).toBe(hashes.get(round))
    if (orderer.decidedRound() !== first!.orderer.decidedRound()) continue
    expect(bytesKey(orderer.membership!.encode())).toBe(bytesKey(first!.orderer.membership!.encode()))
  }
}

function run(seed: number): Lockstep {
  const world = createLockstep(4, WINDOW, seed)
  world.turns(20)
  world.approve(world.change({ id: 5 }, seedOf(5)), [1, 2, 4])
  world.turns(8)
  const five = world.join(5)
  settle(world, 1)
  world.approve(world.change({ id: 2 }, NEW_KEY), [1, 2, 3, 4, 5])
  world.parties[1]!.secrets.push(NEW_KEY)
  settle(world, 2)
  world.restart(five)
  world.approve(world.change({ id: 3, weight: 0 }), [1, 2, 4, 5])
  settle(world, 3)
  world.turns(60)
  return world
}

const linksOf = (party: Party): RosterLink[] =>
  party.orderer
    .membership!.steps()
    .map(({ roster: { fromRound }, member, endorsements }) => ({ fromRound, member, endorsements }))

describe.each([1, 2, 3, 4, 5, 6])('four members, seed %i', (seed) => {
  const world = run(seed)
  const [first] = world.parties
  const { membership } = first!.orderer

  test('all order alike, and go on', () => {
    expectAlike(world)
    const lastChange = membership!.latest().fromRound
    for (const { orderer } of world.parties) expect(orderer.decidedRound()).toBeGreaterThan(lastChange + 5)
    expect(membership!.latest().members.map(({ id }) => id)).toEqual([1, 2, 4, 5])
  })

  test('each event counts by the roster of its birth round', () => {
    const [joined, , left] = membership!.steps()
    const births = (id: number): number[] =>
      first!.ordered.flatMap(({ creator, birthRound }) => (creator === id ? [birthRound] : []))
    expect(Math.min(...births(5))).toBeGreaterThanOrEqual(joined!.roster.fromRound)
    expect(births(5).length).toBeGreaterThan(10)
    expect(Math.max(...births(3))).toBeLessThan(left!.roster.fromRound)
    // Judges are members of the round's roster.
    const creators = new Map(first!.linked.map(({ id, creator }) => [bytesKey(id), creator]))
    for (const { round, judges } of first!.blocks)
      for (const judge of judges)
        expect(membership!.rosterOf(round).members.map(({ id }) => id)).toContain(
          creators.get(bytesKey(judge)),
        )
    expect(world.refused).toEqual([])
  })

  test('the chain is believed by who holds the genesis, and the ledger by it', () => {
    const { genesis, networkId } = world
    const links = linksOf(first!)
    const rosters = followRosters(genesis, networkId, links, suite)
    expect(rosters?.map(({ hash }) => hash)).toEqual([
      networkId,
      ...membership!.steps().map(({ roster }) => roster.hash),
    ])
    const secretOf = (id: number, round: number): Uint8Array =>
      world.secretAt(
        world.parties.find((party) => party.id === id)!,
        round,
      )
    const { blocks, ordered } = first!
    const certified = (block: Block) => {
      const statement = { round: block.round, blockHash: block.hash, stateHash: new Uint8Array(32) }
      const message = roundStatement(statement, networkId)
      const signatures = membership!
        .rosterOf(block.round)
        .members.slice(1)
        .map(({ id }) => ({ memberId: id, signature: suite.sign(secretOf(id, block.round), message) }))
      return { ...statement, signatures }
    }
    const proofAt = (block: Block, end: Block) => {
      const entry = block.entries.findIndex(({ transactionCount }) => transactionCount > 0)
      const event = ordered[block.firstOrder + entry]!
      const later = blocks.slice(block.round, end.round)
      const upTo = links.filter(({ fromRound }) => fromRound <= end.round)
      const parts = {
        networkId,
        sha256: suite.sha256,
        block,
        later,
        certificate: certified(end),
        rosters: upTo,
      }
      return JSON.parse(JSON.stringify(proveInclusion(parts, block.firstPosition, event))) as object
    }
    const withTransactions = blocks.filter(({ transactionCount }) => transactionCount > 0)
    expect(withTransactions.length).toBeGreaterThan(4)
    for (const block of withTransactions) {
      for (const end of [block, blocks.at(-1)!])
        expect(verifyProof(proofAt(block, end), genesis, suite)).toMatchObject({
          ok: true,
          proved: { certifiedRound: end.round },
        })
    }
    expect(rulingRoster(rosters!, 1).number).toBe(0)
  })

  test('with its old key, or after it left, nobody is listened to', () => {
    const [, two, three] = world.parties
    for (const [party, secret] of [
      [two!, seedOf(2)],
      [three!, seedOf(3)],
    ] as const) {
      const event = world.make(party, secret)
      const { graph, offer } = party.orderer
      // As if it had come before it was known whose key counts: it is checked again when it is to be linked.
      expect(offer(event, party.id)).toBe('ready')
      expect(graph.has(event.key)).toBe(false)
    }
  })
})
