import type { CryptoSuite, Genesis } from '@hearsay/dag'

/** A genesis of equal members with these keys, ids from 1, and the usual numbers. */
export function genesisOf(suite: CryptoSuite, secretKeys: readonly Uint8Array[], salt: Uint8Array): Genesis {
  return {
    coinFrequency: 12,
    roundsNonAncient: 26,
    salt,
    members: secretKeys.map((key, i) => ({
      id: i + 1,
      name: `m${i + 1}`,
      publicKey: suite.publicKey(key),
      weight: 1,
    })),
  }
}
