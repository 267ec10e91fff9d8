// Decides by what means signatures are checked: the browser's Ed25519 where it has one, behind the same prechecks as everywhere
// (dag, strict.ts), and the portable one otherwise. What the browser refuses is looked at again by the portable one, and at the
// start the two must agree on a good signature and on a bad one: its verdict may cost an honest node its good name.
import { createPortableSuite, passesPrechecks, type CryptoSuite } from '@hearsay/dag'

export interface Signed {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

export interface SignatureChecker {
  readonly suite: CryptoSuite
  readonly means: string
  check(items: readonly Signed[]): Promise<readonly boolean[]>
}

const plain = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>

async function browserVerifier(
  suite: CryptoSuite,
): Promise<((item: Signed) => Promise<boolean>) | undefined> {
  // Only there on secure origins, which those of the loopback interface are.
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined
  if (subtle === undefined) return undefined
  /** By the array that holds it: the members' own. */
  const keys = new WeakMap<Uint8Array, Promise<CryptoKey>>()
  const keyOf = (publicKey: Uint8Array): Promise<CryptoKey> => {
    const found = keys.get(publicKey)
    if (found !== undefined) return found
    const made = subtle.importKey('raw', plain(publicKey), 'Ed25519', false, ['verify'])
    keys.set(publicKey, made)
    return made
  }
  const verify = async ({ publicKey, message, signature }: Signed): Promise<boolean> =>
    passesPrechecks(publicKey, signature) &&
    subtle.verify('Ed25519', await keyOf(publicKey), plain(signature), plain(message))
  const secret = new Uint8Array(32).fill(7)
  const message = new Uint8Array(40).fill(3)
  const good = { publicKey: suite.publicKey(secret), message, signature: suite.sign(secret, message) }
  const bad = { ...good, message: message.toReversed().fill(4, 0, 1) }
  try {
    return (await verify(good)) && !(await verify(bad)) ? verify : undefined
  } catch (error) {
    // A browser without Ed25519 says so by refusing the key.
    console.info('signatures are checked without the browser:', error)
    return undefined
  }
}

export async function createSignatureChecker(): Promise<SignatureChecker> {
  const suite = createPortableSuite()
  const verify = await browserVerifier(suite)
  const portable = ({ publicKey, message, signature }: Signed): boolean =>
    suite.verify(publicKey, message, signature)
  return {
    suite,
    means: verify === undefined ? 'portable' : 'browser',
    check: async (items) => {
      if (verify === undefined) return items.map(portable)
      const verdicts = await Promise.all(items.map(verify))
      return verdicts.map((good, i) => good || portable(items[i]!))
    },
  }
}
