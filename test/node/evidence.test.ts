/** Evidence that a member finds is told to all, once, believed by itself, and never closes a link of somebody honest. */
import { expect, test } from 'vitest'
import { branchProof, encodeCbor, verifyBranchProof, type BranchProof } from '@hearsay/dag'
import { decodeFrame, type NoteFrame } from '@hearsay/gossip'
import { createEvidence, type MemberEffect } from '@hearsay/node'
import { createMaker, suite } from '../dag/making.ts'

const maker = createMaker(5)
const proofOf = (creator: number): BranchProof =>
  branchProof(maker.event({ creator }), maker.event({ creator }))

/** A member with links to 11, 12 and 13 that knows these proofs of its own. */
function member(own: ReadonlyMap<number, BranchProof> = new Map()) {
  const effects: MemberEffect[] = []
  const counted: string[] = []
  const gone: number[] = []
  const peers = [11, 12, 13].map((link) => ({ link, memberId: link, software: '', decidedRound: 0 }))
  const evidence = createEvidence({
    members: maker.genesis.members,
    networkId: maker.networkId,
    suite,
    graph: { branchProofOf: (creator) => own.get(creator) },
    gossip: { peers: () => peers, closed: (link) => void gone.push(link) },
    count: (reason) => void counted.push(reason),
    emit: (effect) => void effects.push(effect),
  })
  const notes = (): { to: number; note: NoteFrame }[] =>
    effects
      .splice(0)
      .flatMap((effect) =>
        effect.kind === 'send' ? [{ to: effect.link, note: decodeFrame(effect.frame) as NoteFrame }] : [],
      )
  const hear = (link: number, note: Pick<NoteFrame, 'topic' | 'bytes'>): void =>
    evidence.heard({ kind: 'note', link, memberId: link, topic: note.topic, bytes: note.bytes }, 0)
  return { evidence, effects, counted, gone, notes, hear }
}

test('what is found is told to all, who hears it tells the others, and nobody tells twice', () => {
  const finder = member(new Map([[4, proofOf(4)]]))
  finder.evidence.found(4)
  finder.evidence.found(4)
  finder.evidence.found(3)
  const told = finder.notes()
  expect(told.map(({ to }) => to)).toEqual([11, 12, 13])
  const hearer = member(new Map([[4, proofOf(4)]]))
  hearer.hear(12, told[0]!.note)
  expect(hearer.notes().map(({ to }) => to)).toEqual([11, 13])
  hearer.hear(13, told[0]!.note)
  hearer.evidence.found(4)
  expect(hearer.notes()).toEqual([])
  expect(hearer.evidence.all()).toEqual(finder.evidence.all())
  const [proof] = hearer.evidence.all()
  expect(verifyBranchProof(proof!, maker.networkId, maker.keyOf, suite)).toBe(4)
  // Who connects later is told all.
  hearer.evidence.greeted(14)
  expect(hearer.notes()).toEqual([{ to: 14, note: told[0]!.note }])
  expect([...hearer.counted, ...hearer.gone]).toEqual([])
})

test('who tells what proves nothing loses its link; what a later version tells is passed over', () => {
  const { first, second } = proofOf(4)
  const lies = [
    new Uint8Array(0),
    encodeCbor([first]),
    encodeCbor([first, first]),
    encodeCbor([first, 1]),
    encodeCbor([first, proofOf(3).second]),
    encodeCbor([first, second.with(40, second[40]! ^ 1)]),
    encodeCbor([first, new Uint8Array(40_000)]),
  ]
  for (const bytes of lies) {
    const { evidence, effects, counted, gone, hear } = member()
    hear(12, { topic: 1, bytes })
    expect(effects).toEqual([{ kind: 'close', link: 12, fault: 'invalid-record' }])
    expect([counted, gone, evidence.all()]).toEqual([['evidence-invalid'], [12], []])
  }
  const { effects, hear } = member()
  hear(12, { topic: 2, bytes: encodeCbor([first]) })
  expect(effects).toEqual([])
})
