// Only the holder of a member's secret key gets a WebSocket. The server accepts certificates that no authority has signed, so all
// rests on TLS having the key proved; here a client that can lie in every message of its handshake tries to do without the key.
// The first case is the honest one: it shows that the lying client could get in.
import { type KeyObject } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REFUSALS } from '@hearsay/gossip/ws'
import { addressOf, certificateDer, HOST, keysOf, type Node, startNode, until, UPGRADE } from './harness.ts'
import { type Flight, lieTo } from './tls13.ts'

const MEMBER = keysOf(0)
const OTHER = keysOf(2)
const ATTACKER = keysOf(66)
const memberCertificate = certificateDer(MEMBER.publicKey, MEMBER.privateKey)
const attackerCertificate = certificateDer(ATTACKER.publicKey, ATTACKER.privateKey)
/** The member's key, in an envelope that the attacker has made. */
const claimedCertificate = certificateDer(MEMBER.publicKey, ATTACKER.privateKey)
/** The attacker's key under the member's name. */
const namesakeCertificate = certificateDer(ATTACKER.publicKey, ATTACKER.privateKey, 'hearsay')

let server: Node
beforeAll(async () => {
  server = await startNode(1, { peers: [addressOf(0), addressOf(2)] })
})
afterAll(() => server.transport.stop())

type Write = (flight: Flight) => Buffer

/** The three messages in their order, in one record, proved with this key over the true transcript. */
function flightWith(ders: readonly Uint8Array[], key: KeyObject): Write {
  return (flight) => {
    const certificate = flight.certificate(ders)
    const sofar = Buffer.concat([flight.transcript, certificate])
    return flightOf(flight, certificate, flight.verify(flight.signAfter(sofar, key)))
  }
}

function flightOf(flight: Flight, ...messages: readonly Uint8Array[]): Buffer {
  const finished = flight.finishedAfter(Buffer.concat([flight.transcript, ...messages]))
  return flight.seal(Buffer.concat([...messages, finished]))
}

/** Ed25519 signatures are pairs (R, S); S + L signs the same, if one does not look (RFC 8032 §5.1.7). */
function plusOrder(signature: Buffer): Buffer {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString('hex')}`) + order
  return Buffer.concat([
    signature.subarray(0, 32),
    Buffer.from(s.toString(16).padStart(64, '0'), 'hex').toReversed(),
  ])
}

let recorded: { certificate: Buffer; verify: Buffer } | undefined
const honest: Write = (flight) => {
  const certificate = flight.certificate([memberCertificate])
  const signature = flight.signAfter(Buffer.concat([flight.transcript, certificate]), MEMBER.privateKey)
  recorded = { certificate, verify: flight.verify(signature) }
  return flightOf(flight, recorded.certificate, recorded.verify)
}

const withSignature =
  (make: (flight: Flight, sofar: Buffer) => Uint8Array): Write =>
  (flight) => {
    const certificate = flight.certificate([memberCertificate])
    const signature = make(flight, Buffer.concat([flight.transcript, certificate]))
    return flightOf(flight, certificate, flight.verify(signature))
  }

const split =
  (write: Write, at: number, change: (records: Buffer) => void): Write =>
  (flight) => {
    const bytes = Buffer.from(write(flight))
    change(bytes.subarray(at))
    return bytes
  }

const LIES: readonly (readonly [string, Write, string?])[] = [
  ['a member certificate, proved with another key', flightWith([memberCertificate], ATTACKER.privateKey)],
  [
    'a member certificate, proved with the key of another member',
    flightWith([memberCertificate], OTHER.privateKey),
  ],
  ['a certificate made over the member key', flightWith([claimedCertificate], ATTACKER.privateKey)],
  ['a signature of zeros', withSignature(() => Buffer.alloc(64))],
  ['a signature of no bytes', withSignature(() => Buffer.alloc(0))],
  [
    'a signature with a byte too many',
    withSignature((f, s) => Buffer.concat([f.signAfter(s, MEMBER.privateKey), Buffer.alloc(1)])),
  ],
  [
    'a signature changed by the group order',
    withSignature((f, s) => plusOrder(f.signAfter(s, MEMBER.privateKey))),
  ],
  [
    'a signature with R = identity and S = 0',
    withSignature(() => Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])),
  ],
  [
    'a signature of the member in the role of a server',
    withSignature((f, s) => f.signAfter(s, MEMBER.privateKey, 'server')),
  ],
  [
    'a signature of the member over a transcript without the certificate',
    withSignature((f) => f.signAfter(f.transcript, MEMBER.privateKey)),
  ],
  [
    'a signature of the member over nothing',
    withSignature((f) => f.signAfter(Buffer.alloc(0), MEMBER.privateKey)),
  ],
  ['the signature of the server, sent back', withSignature((f) => f.serverSignature)],
  [
    'certificate and proof of an earlier handshake',
    (f) => flightOf(f, recorded?.certificate ?? f.transcript, recorded?.verify ?? f.transcript),
  ],
  [
    'certificate and signature of the server, sent back',
    (f) => flightOf(f, f.certificate([f.serverCertificate]), f.verify(f.serverSignature)),
  ],
  ['a member certificate without proof', (f) => flightOf(f, f.certificate([memberCertificate]))],
  ['a proof without certificate', (f) => flightOf(f, f.verify(f.signAfter(f.transcript, MEMBER.privateKey)))],
  [
    'a proof before its certificate',
    (f) =>
      flightOf(f, f.verify(f.signAfter(f.transcript, MEMBER.privateKey)), f.certificate([memberCertificate])),
  ],
  [
    'two certificates messages, the proof for the second',
    (f) => {
      const certificates = Buffer.concat([
        f.certificate([memberCertificate]),
        f.certificate([attackerCertificate]),
      ])
      return flightOf(
        f,
        certificates,
        f.verify(f.signAfter(Buffer.concat([f.transcript, certificates]), ATTACKER.privateKey)),
      )
    },
  ],
  [
    'a member certificate before the own one, proved with the own key',
    flightWith([memberCertificate, attackerCertificate], ATTACKER.privateKey),
  ],
  [
    'a certificate message for another request',
    (f) => {
      const certificate = f.certificate([memberCertificate], Buffer.from([7]))
      return flightOf(
        f,
        certificate,
        f.verify(f.signAfter(Buffer.concat([f.transcript, certificate]), MEMBER.privateKey)),
      )
    },
  ],
  ['no certificate message at all', (f) => flightOf(f)],
  ['no second flight at all', () => Buffer.alloc(0)],
  [
    'a wrong Finished',
    (f) => {
      const certificate = f.certificate([memberCertificate])
      const verify = f.verify(f.signAfter(Buffer.concat([f.transcript, certificate]), MEMBER.privateKey))
      return f.seal(Buffer.concat([certificate, verify, f.finishedAfter(f.transcript)]))
    },
  ],
  [
    'an honest flight with one bit of the cipher text changed',
    split(honest, 40, (bytes) => bytes.writeUInt8((bytes[0] ?? 0) ^ 1, 0)),
  ],
  [
    'an honest flight with one bit of the tag changed',
    split(honest, 0, (bytes) => bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 128, bytes.length - 1)),
  ],
  [
    'an honest flight, not encrypted',
    (f) => {
      const certificate = f.certificate([memberCertificate])
      const verify = f.verify(f.signAfter(Buffer.concat([f.transcript, certificate]), MEMBER.privateKey))
      const all = Buffer.concat([
        certificate,
        verify,
        f.finishedAfter(Buffer.concat([f.transcript, certificate, verify])),
      ])
      return Buffer.concat([Buffer.from([22, 3, 3, all.length >> 8, all.length & 255]), all])
    },
  ],
  ['application data under the handshake keys', (f) => f.seal(Buffer.from(UPGRADE), 23)],
  [
    'a certificate of 90 KiB of zeros',
    (f) => {
      const certificate = f.certificate([Buffer.alloc(90_000)])
      const parts = Array.from({ length: 6 }, (_, i) =>
        f.seal(certificate.subarray(i * 16_000, (i + 1) * 16_000)),
      )
      return Buffer.concat(parts)
    },
  ],
  ['a certificate said to have 16 MiB', (f) => f.seal(Buffer.from([11, 0xff, 0xff, 0xff, 0]))],
  ['an empty certificate, with a proof all the same', flightWith([], ATTACKER.privateKey)],
  ['an empty certificate, rightly without proof', (f) => flightOf(f, f.certificate([])), 'no-certificate'],
  ['an honest stranger', flightWith([attackerCertificate], ATTACKER.privateKey), 'not-in-roster'],
  [
    'an honest stranger with the name of a member',
    flightWith([namesakeCertificate], ATTACKER.privateKey),
    'not-in-roster',
  ],
  [
    'an honest stranger with a member certificate behind its own',
    flightWith([attackerCertificate, memberCertificate], ATTACKER.privateKey),
    'not-in-roster',
  ],
]

/** decrypt_error (RFC 8446 §6.2): the proof was looked at and found wrong, rather than something before it. */
const alertBy = (name: string): number | undefined =>
  /proved with|over the member key|signature|earlier/.test(name) ? 51 : undefined

const enter = (flight: Write): ReturnType<typeof lieTo> =>
  lieTo(HOST, server.port, { flight, request: UPGRADE })
const refused = (): number => REFUSALS.reduce((sum, reason) => sum + server.count(reason), 0)

async function honestEnters(): Promise<void> {
  const opened = server.count('opened')
  const { text } = await enter(honest)
  expect(text).toMatch(/^HTTP\/1\.1 101 /)
  expect(server.count('opened')).toBe(opened + 1)
  await until(() => server.transport.links().length === 0, 'the end of the honest link')
}

describe('handshake', () => {
  test('with the key of a member, one gets in', honestEnters)

  const cases = LIES.map(([name, flight, reason]) => ({ name, flight, reason }))
  test.each(cases)('$name', async ({ name, flight, reason }) => {
    const [before, opened] = [refused(), server.count('opened')]
    const counted = reason === undefined ? 0 : server.count(reason)
    const { text, alert } = await enter(flight)
    await until(() => refused() > before, 'a counted refusal')
    expect(server.count('opened')).toBe(opened)
    if (reason === undefined) {
      expect(text).toBe('')
      if (alertBy(name) !== undefined) expect(alert).toBe(alertBy(name))
    } else {
      expect(server.count(reason)).toBe(counted + 1)
      if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 403 /)
      expect(alert).toBeUndefined()
    }
    expect(refused()).toBe(before + 1)
    await honestEnters()
  })

  test('versions before TLS 1.3 are refused', async () => {
    for (const versions of [[0x0303], [0x0302, 0x0301], [0x7f1c]]) {
      const before = server.count('tls-version')
      const { alert } = await lieTo(HOST, server.port, { flight: honest, request: UPGRADE, versions })
      expect(alert).toBe(70) // protocol_version
      await until(() => server.count('tls-version') === before + 1, 'a counted refusal')
    }
    await honestEnters()
  })
})
