/** Worlds run here: with files, clocks and the network simulated, and everything else as in a real node. */
import { createNativeSuite } from '@hearsay/dag/native'
import { createFastSuite } from '../src/fast-suite.ts'
import type { CryptoSuite } from '@hearsay/dag'

/** Real hashes; signatures that are real, or only checksums. */
export function suiteFor(realSignatures: boolean): CryptoSuite {
  const native = createNativeSuite()
  return realSignatures ? native : createFastSuite(native.sha256)
}
