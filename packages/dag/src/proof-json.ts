/**
 * What a portable proof looks like: JSON that anybody can keep and check with nothing but the genesis (`@hearsay/client`).
 * Bytes are lower-case hexadecimal.
 */

/** Signatures of members of more than two thirds of the weight over one round (certificate.ts). */
export interface CertificateJson {
  readonly round: number
  readonly blockHash: string
  readonly stateHash: string
  readonly signatures: readonly { readonly memberId: number; readonly signature: string }[]
}

/** How the authority went over to another roster (roster-chain.ts). */
export interface RosterLinkJson {
  readonly fromRound: number
  /** Weight 0: it left. */
  readonly member: {
    readonly id: number
    readonly name: string
    readonly publicKey: string
    readonly weight: number
  }
  readonly endorsements: CertificateJson['signatures']
}

interface ProofBase {
  readonly hearsay: 'proof'
  readonly version: 1
  readonly networkId: string
  readonly position: number
  /** Header of the block that the proof is about. */
  readonly header: string
  /** Headers of the blocks after it, up to the certified one, each naming the one before. */
  readonly links: readonly string[]
  readonly certificate: CertificateJson
  /** All changes of the roster up to the certified round; left out if there were none. */
  readonly rosters?: readonly RosterLinkJson[]
}

/** The transaction at a position: its chunk → payload commitment → event → block → certificate. */
export interface InclusionProofJson extends ProofBase {
  readonly kind: 'transaction'
  /** Place of the transaction in its event. */
  readonly index: number
  readonly chunk: {
    readonly bytes: string
    readonly firstIndex: number
    readonly index: number
    readonly count: number
    readonly path: readonly string[]
  }
  /** The event as it was signed, without its payload. */
  readonly event: { readonly body: string; readonly signature: string }
  readonly entry: {
    readonly timestamp: number
    readonly position: number
    readonly transactionCount: number
    readonly index: number
    readonly path: readonly string[]
  }
}

/** There is no transaction at a position yet: the ledger up to the certified round ends before it. */
export interface AbsenceProofJson extends ProofBase {
  readonly kind: 'absence'
}

export type ProofJson = InclusionProofJson | AbsenceProofJson
