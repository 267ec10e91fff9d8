/** Real hashes; signatures that are real, or only checksums. */
import type { CryptoSuite } from '@hearsay/dag'
import { createNativeSuite } from '@hearsay/dag/native'
import { createFastSuite } from '../src/fast-suite.ts'

export function suiteFor(realSignatures: boolean): CryptoSuite {
  const native = createNativeSuite()
  return realSignatures ? native : createFastSuite(native.sha256)
}
