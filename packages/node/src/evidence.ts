/**
 * Evidence against members that have branched: what was found here and what others have told, one proof a member. Whoever learns of
 * one tells all its peers, once, and who connects is told all that there is; a proof stands by itself, so who tells it does not
 * matter (gossip design, section 3.1). It decides nothing about the order.
 */
import {
  decodeCbor,
  encodeCbor,
  verifyBranchProof,
  type BranchProof,
  type CryptoSuite,
  type Graph,
  type Member,
} from '@hearsay/dag'
import { encodeFrame, type Gossip, type GossipEffect } from '@hearsay/gossip'
import type { MemberEffect } from './member-types.ts'

/** The topic of notes that tell a proof: [first header, second header]. */
const EVIDENCE_TOPIC = 1
/** Two headers of an event with as many parents as there may be take less. */
const MAX_NOTE_BYTES = 32 * 1024

export interface EvidenceParts {
  readonly members: readonly Member[]
  readonly networkId: Uint8Array
  readonly suite: CryptoSuite
  readonly graph: Pick<Graph, 'branchProofOf'>
  readonly gossip: Pick<Gossip, 'peers' | 'closed'>
  readonly count: (reason: string) => void
  readonly emit: (effect: MemberEffect) => void
}

type Note = Extract<GossipEffect, { kind: 'note' }>

export interface Evidence {
  /** This member is known to have branched here. */
  found(creator: number): void
  greeted(link: number): void
  /** What proves nothing nobody honest tells: the link is closed. Topics that are not known are those of a later version. */
  heard(note: Note, nowMs: number): void
  all(): readonly BranchProof[]
}

export function createEvidence(parts: EvidenceParts): Evidence {
  /** By creator: at most one for each member. */
  const proofs = new Map<number, BranchProof>()
  const keys = new Map(parts.members.map((member) => [member.id, member.publicKey]))

  function tell(link: number, { first, second }: BranchProof): void {
    const bytes = encodeCbor([first, second])
    parts.emit({ kind: 'send', link, frame: encodeFrame({ kind: 'note', topic: EVIDENCE_TOPIC, bytes }) })
  }

  function learn(creator: number, proof: BranchProof, from: number | undefined): void {
    proofs.set(creator, proof)
    for (const { link } of parts.gossip.peers()) if (link !== from) tell(link, proof)
  }

  return {
    found: (creator) => {
      const proof = proofs.has(creator) ? undefined : parts.graph.branchProofOf(creator)
      if (proof !== undefined) learn(creator, proof, undefined)
    },
    greeted: (link) => {
      for (const proof of proofs.values()) tell(link, proof)
    },
    heard: ({ link, topic, bytes }, nowMs) => {
      if (topic !== EVIDENCE_TOPIC) return
      const proof = proofFrom(bytes)
      const creator = proof && verifyBranchProof(proof, parts.networkId, (id) => keys.get(id), parts.suite)
      if (proof !== undefined && creator !== undefined) {
        if (!proofs.has(creator)) learn(creator, proof, link)
        return
      }
      parts.count('evidence-invalid')
      parts.emit({ kind: 'close', link, fault: 'invalid-record' })
      parts.gossip.closed(link, nowMs)
    },
    all: () => [...proofs.values()],
  }
}

function proofFrom(bytes: Uint8Array): BranchProof | undefined {
  const decoded = decodeCbor(bytes, { maxBytes: MAX_NOTE_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length !== 2) return undefined
  const [first, second] = decoded.value as unknown[]
  if (!(first instanceof Uint8Array) || !(second instanceof Uint8Array)) return undefined
  // Copies: the views would keep the frame alive.
  return { first: first.slice(), second: second.slice() }
}
