/**
 * What Hearsay needs from cryptography, as interfaces only: one hash and one signature scheme.
 *
 * The rule of acceptance is STRICT (see strict.ts): every suite, native or portable, on every runtime, must
 * give the same verdict on the same bytes, because one event on which two members disagree splits the network.
 * Suites are handed in by the caller; nothing in `src` picks one by itself.
 *
 * Source: RFC 8032 (Ed25519), FIPS 180-4 (SHA-256), "Taming the many EdDSAs" (eprint 2020/1244).
 */

/** SHA-256 of `bytes` in one shot: a fresh array of 32 bytes that shares no memory with the input. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

/** Whoever can judge a signature. */
export interface SignatureVerifier {
  /**
   * The STRICT verdict on an Ed25519 signature (64 bytes) by a public key (32 bytes) over a message.
   * Never throws: wrong lengths, malformed points and plain forgeries are all `false`.
   */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

/** A back end: hash, signatures and the keys that belong to them. Synchronous throughout. */
export interface CryptoSuite extends SignatureVerifier {
  /** Names the back end in diagnostics; never decides anything. */
  readonly name: string
  readonly sha256: Sha256
  /**
   * The RFC 8032 signature (64 bytes, deterministic, so equal from every suite).
   * `secretKey` is the 32-byte seed; any other length throws a `TypeError` (an invariant: keys are our own).
   */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array
  /** The public key (32 bytes) of a 32-byte seed; any other length throws a `TypeError`. */
  publicKey(secretKey: Uint8Array): Uint8Array
}
