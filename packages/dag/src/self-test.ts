/**
 * Decides whether a crypto suite may be used at all: it must give the STRICT verdict on every vector of a compact set
 * in which each class of known disagreement between libraries is represented, and sign and hash as published.
 *
 * Libraries and runtimes change their verdicts between versions; a node that starts with such a library would leave
 * the network's order at the first event that was crafted for it. Refusing to start is the cheaper failure.
 *
 * Source: vectors and licences in self-test-vectors.ts; RFC 8032 section 7.1; FIPS 180-4.
 */
import { fromHex, toHex } from './bytes.ts'
import type { CryptoSuite } from './crypto.ts'
import { SELF_TEST_VECTORS } from './self-test-vectors.ts'
import { KEY_BYTES } from './strict.ts'

/** A signature with its STRICT verdict. The lengths of key (32) and message are free, that of the signature too. */
export interface SignatureVector {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly valid: boolean
}

/** What came of a self-test: the number of checks passed, or the first one that failed, with its vector in hex. */
export type SelfTestResult =
  { readonly ok: true; readonly checked: number } | { readonly ok: false; readonly failed: string }

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

const fromBase64 = (text: string): Uint8Array => {
  const digits = text.replace(/=+$/, '')
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4))
  let held = 0
  let bits = 0
  let at = 0
  for (const digit of digits) {
    held = (held << 6) | ALPHABET.indexOf(digit)
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[at] = (held >> bits) & 0xff
    at += 1
  }
  return bytes
}

/**
 * Reads packed vectors: one after the other [verdict 0 or 1][message length][signature length][key, 32 bytes]
 * [message][signature], lengths in one byte. Throws if the packing is broken, which is a defect of the build.
 */
export const unpackVectors = (packed: Uint8Array): readonly SignatureVector[] => {
  const vectors: SignatureVector[] = []
  let at = 0
  const take = (length: number): Uint8Array => {
    if (at + length > packed.length) throw new Error('self-test vectors end inside a vector')
    at += length
    return packed.subarray(at - length, at)
  }
  while (at < packed.length) {
    const [verdict, messageBytes, signatureBytes] = take(3)
    const publicKey = take(KEY_BYTES)
    const message = take(messageBytes!)
    const signature = take(signatureBytes!)
    vectors.push({ publicKey, message, signature, valid: verdict === 1 })
  }
  return vectors
}

/** The vectors shipped with the package. */
export const selfTestVectors = (): readonly SignatureVector[] =>
  unpackVectors(fromBase64(SELF_TEST_VECTORS.join('')))

// RFC 8032, section 7.1, tests 1 to 3: seed, public key, message, signature.
const SIGNING: readonly (readonly [string, string, string, string])[] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
]

// FIPS 180-4 example values for SHA-256: message in hex, digest.
const HASHING: readonly (readonly [string, string])[] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['616263', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
]

const parseHex = (text: string): Uint8Array => {
  const bytes = fromHex(text)
  if (bytes === undefined) throw new Error('self-test: broken constant')
  return bytes
}

/** A vector as one line that can be pasted into a test. */
export const describeVector = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): string =>
  `publicKey=${toHex(publicKey)} message=${toHex(message)} signature=${toHex(signature)}`

const checkVerdict = (suite: CryptoSuite, vector: SignatureVector, index: number): string | undefined => {
  const { publicKey, message, signature, valid } = vector
  const described = describeVector(publicKey, message, signature)
  const place = `signature vector ${index}`
  try {
    const verdict = suite.verify(publicKey, message, signature)
    if (verdict === valid) return undefined
    return `${place}: ${suite.name} says ${verdict}, the rule says ${valid}: ${described}`
  } catch (error) {
    return `${place}: ${suite.name} throws (${String(error)}), the rule says ${valid}: ${described}`
  }
}

const checkKnownAnswers = (suite: CryptoSuite): string | undefined => {
  for (const [message, digest] of HASHING) {
    if (toHex(suite.sha256(parseHex(message))) !== digest)
      return `${suite.name}: wrong SHA-256 of '${message}'`
  }
  for (const [seed, key, message, signature] of SIGNING) {
    if (toHex(suite.publicKey(parseHex(seed))) !== key)
      return `${suite.name}: wrong public key, expected ${key}`
    const signed = toHex(suite.sign(parseHex(seed), parseHex(message)))
    if (signed !== signature) return `${suite.name}: wrong signature ${signed}, expected ${signature}`
  }
  return undefined
}

/**
 * Runs a suite over all shipped vectors and known answers; stops at the first difference. Never throws because of
 * the suite. Some 30 ms with a native back end, some 0.3 s with the portable one.
 */
export const bootSelfTest = (suite: CryptoSuite): SelfTestResult => {
  try {
    const failed = checkKnownAnswers(suite)
    if (failed !== undefined) return { ok: false, failed }
  } catch (error) {
    return { ok: false, failed: `${suite.name} throws on a known answer: ${String(error)}` }
  }
  const vectors = selfTestVectors()
  for (const [index, vector] of vectors.entries()) {
    const failed = checkVerdict(suite, vector, index)
    if (failed !== undefined) return { ok: false, failed }
  }
  return { ok: true, checked: vectors.length + HASHING.length + 2 * SIGNING.length }
}
