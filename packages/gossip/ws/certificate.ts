// Decides how a member proves on a connection who it is: a self-signed X.509 certificate over its Ed25519 key, as in libp2p's TLS
// handshake. There is no authority: a certificate is only the envelope in which TLS wants the key, and TLS 1.3 itself
// (CertificateVerify, RFC 8446 §4.4.3) proves that the other side holds the secret half. So nothing in a certificate but the key
// is looked at, and ours is the same bytes each time: no clock and no randomness go into it.
// oxlint-disable-next-line import/no-unassigned-import -- for its effect, and before @peculiar/x509, whose container insists on it
import 'reflect-metadata'
import { createPrivateKey, webcrypto } from 'node:crypto'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
} from '@peculiar/x509'
import { X509CertificateGenerator } from '@peculiar/x509'
import { TransportError } from './errors.ts'

const ED25519 = { name: 'Ed25519' }
const NOT_BEFORE = new Date(Date.UTC(2020, 0, 1))
const NOT_AFTER = new Date(Date.UTC(2049, 11, 31))

/** Everything of a PKCS #8 Ed25519 key before its 32-byte seed (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface Identity {
  /** PEM, for TLS. */
  readonly certificate: string
  readonly privateKey: string
}

function badKey(what: string): TransportError {
  return new TransportError(
    'E_BAD_KEY',
    what,
    'identity of this member',
    'Give the 32-byte Ed25519 seed of this member and the public key that belongs to it.',
  )
}

export async function createIdentity(secretKey: Uint8Array, publicKey: Uint8Array): Promise<Identity> {
  if (secretKey.length !== 32 || publicKey.length !== 32) throw badKey('a key does not have 32 bytes')
  const pkcs8 = Buffer.concat([PKCS8_PREFIX, secretKey])
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const jwk = key.export({ format: 'jwk' })
  if (jwk.x !== Buffer.from(publicKey).toString('base64url')) throw badKey('the keys do not belong together')
  const { subtle } = webcrypto
  const signing = await subtle.importKey('jwk', jwk, ED25519, false, ['sign'])
  const verifying = await subtle.importKey('raw', publicKey as Uint8Array<ArrayBuffer>, ED25519, true, [
    'verify',
  ])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=hearsay',
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    signingAlgorithm: ED25519,
    keys: { privateKey: signing, publicKey: verifying },
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    ],
  })
  return {
    certificate: certificate.toString('pem'),
    privateKey: key.export({ format: 'pem', type: 'pkcs8' }) as string,
  }
}

/** TLS 1.3 only, Ed25519 only. Made once: parsing the certificate for each connection would cost more than it. */
export function secureContextOf(identity: Identity): SecureContext {
  return createSecureContext({
    key: identity.privateKey,
    cert: identity.certificate,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    sigalgs: 'ed25519',
  })
}

/**
 * The raw Ed25519 key whose secret half the other side has just proved to hold, or undefined when it has shown none.
 * Never throws: what a stranger puts in a certificate may be anything.
 */
export function peerKeyOf(socket: TLSSocket): Uint8Array | undefined {
  try {
    const key = socket.getPeerX509Certificate()?.publicKey
    if (key?.asymmetricKeyType !== 'ed25519') return undefined
    const { x } = key.export({ format: 'jwk' })
    const raw = x === undefined ? undefined : new Uint8Array(Buffer.from(x, 'base64url'))
    return raw?.length === 32 ? raw : undefined
  } catch {
    return undefined
  }
}
