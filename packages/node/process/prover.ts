/** Makes portable proofs from what this node has on disk and the certificates that it holds. */
import { decodeEvent, type ProofJson, type RoundCertificate, type Sha256 } from '@hearsay/dag'
import type { Block } from '@hearsay/consensus'
import type { Journal } from '../disk/index.ts'
import { MAX_PROOF_LINKS, proveAbsence, proveInclusion } from '../src/prove.ts'
import type { LedgerStore, StoredBlock } from './ledger-store.ts'

/** The certificates that a node has collected. */
export interface CertificateSource {
  /** That of this round, or of the next one after it that is certified. */
  certificateFrom(round: number): RoundCertificate | undefined
  /** The newest of a round that is not later. */
  certificateUpTo(round: number): RoundCertificate | undefined
}

export interface ProverParts {
  readonly journal: Journal
  readonly ledger: LedgerStore
  readonly certificates: CertificateSource
  readonly networkId: Uint8Array
  readonly sha256: Sha256
}

/** `undefined` as long as no certificate covers it. */
export type Prover = (position: number) => ProofJson | undefined

export function createProver({ journal, ledger, certificates, networkId, sha256 }: ProverParts): Prover {
  function eventAt(stored: StoredBlock, position: number) {
    let end = stored.block.firstPosition
    const i = stored.block.entries.findIndex((entry) => {
      end += entry.transactionCount
      return position < end
    })
    const record = journal.readFrom(stored.offsets[i]!, 1).records[0]
    const decoded = record === undefined ? undefined : decodeEvent(record.payload, networkId, sha256)
    if (decoded?.ok !== true) throw new Error(`invariant: no event for position ${position} in the journal`)
    return decoded.event
  }

  /** The blocks after a round, up to the certified one. */
  function blocksAfter(round: number, last: number): Block[] | undefined {
    if (last - round > MAX_PROOF_LINKS) return undefined
    const later: Block[] = []
    for (let next = round + 1; next <= last; next++) {
      const stored = ledger.block(next)
      if (stored === undefined) return undefined
      later.push(stored.block)
    }
    return later
  }

  function inclusion(stored: StoredBlock, position: number): ProofJson | undefined {
    const { block } = stored
    const certificate = certificates.certificateFrom(block.round)
    const later = certificate === undefined ? undefined : blocksAfter(block.round, certificate.round)
    if (certificate === undefined || later === undefined) return undefined
    const parts = { networkId, sha256, block, later, certificate }
    return proveInclusion(parts, position, eventAt(stored, position))
  }

  /** After a crash there may be certificates of rounds that the ledger has not got again yet. */
  function latest(): { certificate: RoundCertificate; certified: Block } | undefined {
    for (let upTo = Infinity; ;) {
      const certificate = certificates.certificateUpTo(upTo)
      if (certificate === undefined) return undefined
      const certified = ledger.block(certificate.round)?.block
      if (certified !== undefined) return { certificate, certified }
      upTo = certificate.round - 1
    }
  }

  return (position) => {
    const found = latest()
    if (found === undefined) return undefined
    const { certificate, certified } = found
    if (position >= certified.firstPosition + certified.transactionCount)
      return proveAbsence({ networkId, sha256, block: certified, later: [], certificate }, position)
    const round = ledger.roundOfPosition(position)
    const stored = round === undefined ? undefined : ledger.block(round)
    return stored === undefined ? undefined : inclusion(stored, position)
  }
}
