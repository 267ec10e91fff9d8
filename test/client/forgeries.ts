/** What a liar might send instead of a good proof: forty kinds, each with the reason for which it must be refused. */
import type { ProofFault, ProofJson } from '@hearsay/client/verify'
import { networkIdOf, toHex, type Genesis } from '@hearsay/dag'
import { createBestSuite } from '@hearsay/dag/native'
import { certify, createCertifiedLedger, GENESIS } from './certified-ledger.ts'

const { suite } = createBestSuite()
const ledger = createCertifiedLedger()
const LAST = ledger.transactions.length - 1

export type Draft = { -readonly [K in keyof ProofJson]: ProofJson[K] } & Record<string, any> // oxlint-disable-line typescript/no-explicit-any -- forged on purpose
const other = createCertifiedLedger()
export const flip = (hex: string, at: number = 0): string =>
  hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1)

export const stranger: Genesis = { ...GENESIS, salt: new Uint8Array(16).fill(1) }

/** What a liar might send: the change to a good proof of position 20 by the certificate of round 3, and why it is refused. */
export const forgeries: readonly [string, ProofFault, (proof: Draft) => void][] = [
  ['another transaction in the chunk', 'chunk', (p) => (p['chunk'].bytes = flip(p['chunk'].bytes, 9))],
  ['the index of its neighbour', 'position', (p) => (p['index'] += 1)],
  [
    'index and position of its neighbour from another chunk',
    'chunk',
    (p) => ((p['index'] += 40), (p.position += 40)),
  ],
  ['the position of its neighbour', 'position', (p) => (p.position += 1)],
  ['a chunk that begins elsewhere', 'chunk', (p) => (p['chunk'].firstIndex += 1)],
  ['a chunk of another place', 'chunk', (p) => (p['chunk'].index += 1)],
  ['fewer chunks', 'chunk', (p) => (p['chunk'].count = 1)],
  ['a changed path to the payload', 'chunk', (p) => (p['chunk'].path[0] = flip(p['chunk'].path[0]))],
  ['a longer path to the payload', 'chunk', (p) => p['chunk'].path.push('00'.repeat(32))],
  ['a changed event', 'event-signature', (p) => (p['event'].body = flip(p['event'].body, 2 * 70))],
  [
    'an event of another creator',
    'event-signature',
    (p) => (p['event'].body = flip(p['event'].body, 2 * 53 + 1)),
  ],
  ['an event of nobody', 'event-stranger', (p) => (p['event'].body = flip(p['event'].body, 2 * 50))],
  [
    'a signature that is not the creator’s',
    'event-signature',
    (p) => (p['event'].signature = flip(p['event'].signature)),
  ],
  [
    'a genuine event that is not in the block',
    'entry',
    (p) => {
      const last = ledger.inclusion(LAST, 3) as Draft
      p['event'] = last['event']
      p['entry'].transactionCount = 1
    },
  ],
  ['an event of another network', 'event', (p) => (p['event'].body = flip(p['event'].body, 2 * 20))],
  ['an earlier time', 'entry', (p) => (p['entry'].timestamp -= 1)],
  ['a moved entry', 'entry', (p) => ((p['entry'].position -= 1), (p.position -= 1))],
  ['another place among the events', 'entry', (p) => (p['entry'].index = 0)],
  ['a changed path to the block', 'entry', (p) => (p['entry'].path[0] = flip(p['entry'].path[0]))],
  ['another number of transactions', 'entry', (p) => (p['entry'].transactionCount += 1)],
  ['a changed block', 'links', (p) => (p.header = flip(p.header, 2 * 60))],
  ['a changed root', 'links', (p) => (p.header = flip(p.header, p.header.length - 1))],
  ['a block of another network', 'header', (p) => (p.header = flip(p.header, 2 * 20))],
  ['no block at all', 'header', (p) => (p.header = '')],
  ['a link left out', 'links', (p) => (p.links = p.links.slice(1))],
  ['a changed link', 'certificate-other-block', (p) => (p.links = [p.links[0]!, flip(p.links[1]!, 2 * 99)])],
  ['links in another order', 'links', (p) => (p.links = p.links.toReversed())],
  [
    'the certificate of another round',
    'certificate-other-block',
    (p) => (p.certificate = (ledger.inclusion(20, 2) as Draft).certificate),
  ],
  [
    'a certificate that names this block but signs another',
    'certificate-signature',
    (p) => {
      p.certificate = {
        ...p.certificate,
        signatures: (ledger.inclusion(20, 2) as Draft).certificate.signatures,
      }
    },
  ],
  [
    'another state',
    'certificate-signature',
    (p) => (p.certificate = { ...p.certificate, stateHash: '00'.repeat(32) }),
  ],
  [
    'too few signatures',
    'certificate-weight',
    (p) => (p.certificate = { ...p.certificate, signatures: p.certificate.signatures.slice(1) }),
  ],
  [
    'one signature twice',
    'certificate-malformed',
    (p) => {
      const [first, second] = p.certificate.signatures
      p.certificate = { ...p.certificate, signatures: [first!, first!, second!] }
    },
  ],
  [
    'signatures of one member under other names',
    'certificate-signature',
    (p) => {
      const [first] = p.certificate.signatures
      p.certificate = { ...p.certificate, signatures: [0, 1, 2].map((memberId) => ({ ...first!, memberId })) }
    },
  ],
  [
    'a stranger among the signers',
    'certificate-stranger',
    (p) => {
      p.certificate = {
        ...p.certificate,
        signatures: [...p.certificate.signatures, { ...p.certificate.signatures[0]!, memberId: 9 }],
      }
    },
  ],
  [
    'signatures for another network',
    'certificate-signature',
    (p) => {
      const { signatures } = certify(other.blocks[2]!, [0, 1, 2], networkIdOf(stranger, suite.sha256))
      p.certificate = {
        ...p.certificate,
        signatures: signatures.map(({ memberId, signature }) => ({ memberId, signature: toHex(signature) })),
      }
    },
  ],
  ['the name of another network', 'other-network', (p) => (p.networkId = flip(p.networkId))],
  ['an absence that is none', 'links', (p) => (p['kind'] = 'absence')],
  ['capital digits', 'malformed', (p) => (p.header = p.header.toUpperCase())],
  ['a field of another type', 'malformed', (p) => (p['entry'].timestamp = String(p['entry'].timestamp))],
  ['another version', 'malformed', (p) => (p['version' as string] = 2)],
]
