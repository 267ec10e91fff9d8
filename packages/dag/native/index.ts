/**
 * Decides which back end a node uses: the runtime's own cryptography if it proves itself at boot, else the portable
 * one. This room touches node:crypto and the monotonic clock.
 *
 * Raw `crypto.verify` changed its verdict on small-order points between two minor versions of Node, so the prechecks
 * of STRICT stand in front of it and the boot self-test in front of everything.
 */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto'
import type { CryptoSuite } from '../src/crypto.ts'
import { createKeyCache } from '../src/key-cache.ts'
import { createPortableSuite } from '../src/portable.ts'
import { createReferee, type RefereeOptions } from '../src/referee.ts'
import { bootSelfTest } from '../src/self-test.ts'
import { KEY_BYTES, passesPrechecks } from '../src/strict.ts'

export { bootSelfTest } from '../src/self-test.ts'

// What stands before the raw bytes in the DER of a public key (RFC 8410 SubjectPublicKeyInfo) and of a seed (PKCS#8).
const PUBLIC_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0)
const SECRET_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

/** Public keys kept parsed, at most. */
export const MAX_CACHED_KEYS = 1_024
// A node signs with one key; a simulated network in one process with a few dozen.
const MAX_CACHED_SEEDS = 128

const importPublicKey = (bytes: Uint8Array) =>
  createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, bytes]), format: 'der', type: 'spki' })

const importSeed = (seed: Uint8Array) => {
  if (seed.length !== KEY_BYTES) throw new TypeError(`a secret key is a seed of ${KEY_BYTES} bytes`)
  const secret = createPrivateKey({ key: Buffer.concat([SECRET_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' })
  return { secret, publicKey: plain(spki).slice(PUBLIC_PREFIX.length) }
}

/** A Buffer as the Uint8Array that it is: `slice` of a Buffer shares memory, and tests tell the two apart. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)

/** A digest as text, a byte a character, costs a third less than one as a Buffer, whose memory is outside of the heap. */
function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/**
 * A suite over node:crypto: about 8,000 verifications and 25,000 signatures a second. STRICT as far as the runtime
 * computes the equation correctly, which `bootSelfTest` checks; `createBestSuite` does that for you.
 * Parsed keys are kept: 1,024 public ones, 128 seeds.
 */
export const createNativeSuite = (): CryptoSuite => {
  const publicKeys = createKeyCache(MAX_CACHED_KEYS, importPublicKey)
  const seeds = createKeyCache(MAX_CACHED_SEEDS, importSeed)
  let portable: CryptoSuite | undefined
  return {
    name: 'native',
    sha256: (bytes) => fromLatin1(hash('sha256', bytes, 'binary')),
    verify(publicKey, message, signature) {
      if (!passesPrechecks(publicKey, signature)) return false
      try {
        return verify(null, message, publicKeys.get(publicKey), signature)
      } catch {
        // Not a verdict but a failure of the runtime, and members must not differ by their failures.
        portable ??= createPortableSuite({ maxKeys: 16 })
        return portable.verify(publicKey, message, signature)
      }
    },
    sign: (secretKey, message) => plain(sign(null, message, seeds.get(secretKey).secret)),
    publicKey: (secretKey) => seeds.get(secretKey).publicKey.slice(),
  }
}

/** The suite chosen, and why: the reason is for the log and for `hearsay doctor`-like reports. */
export interface BestSuite {
  readonly suite: CryptoSuite
  readonly backEnd: 'native' | 'portable'
  readonly reason: string
}

/** What may be replaced in `createBestSuite`, for tests and for other native back ends. */
export interface BestSuiteOptions extends RefereeOptions {
  /** The candidate; default `createNativeSuite`. If it throws, the portable suite is used. */
  readonly createCandidate?: () => CryptoSuite
  /** A monotonic clock in milliseconds; default `performance.now`. */
  readonly nowMs?: () => number
}

/**
 * The fastest suite that can be trusted: native under a referee if it passes the boot self-test (tens of
 * milliseconds), else portable. The suite's `verify` throws a `VerdictDisagreement` if the referee, who recomputes at
 * most `perSecond` rejections, finds one that the portable suite accepts: the node must stop. Throws if the portable
 * suite fails the self-test too (which costs some 0.3 s more): then nothing on this machine can be trusted.
 */
export const createBestSuite = (options: BestSuiteOptions = {}): BestSuite => {
  const { createCandidate = createNativeSuite, nowMs = () => performance.now() } = options
  const portable = createPortableSuite()
  const portableBecause = (reason: string): BestSuite => {
    const result = bootSelfTest(portable)
    if (!result.ok) throw new Error(`No usable signature back end: ${reason}; ${result.failed}`)
    return { suite: portable, backEnd: 'portable', reason }
  }
  let candidate: CryptoSuite
  try {
    candidate = createCandidate()
  } catch (error) {
    return portableBecause(`the native back end could not be made: ${String(error)}`)
  }
  const result = bootSelfTest(candidate)
  if (!result.ok) return portableBecause(`the native back end failed its self-test: ${result.failed}`)
  const referee = createReferee(candidate, portable, options)
  const suite: CryptoSuite = {
    ...candidate,
    verify: (publicKey, message, signature) => referee.verify(publicKey, message, signature, nowMs()),
  }
  return { suite, backEnd: 'native', reason: `${candidate.name} passed ${result.checked} checks at boot` }
}
