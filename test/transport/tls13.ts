// A TLS 1.3 client written for lying (RFC 8446): the smallest one that can speak to an honest server, with every message of its
// second flight open to change. A library would not sign with the wrong key; this does. It knows one cipher suite
// (TLS_AES_128_GCM_SHA256), one group (x25519) and one signature (ed25519), and does not check what the server says.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { connect, type Socket } from 'node:net'

type Bytes = Buffer<ArrayBufferLike>

const u8 = (n: number): Bytes => Buffer.from([n])
const u16 = (n: number): Bytes => Buffer.from([n >> 8, n & 255])
const u24 = (n: number): Bytes => Buffer.from([n >> 16, (n >> 8) & 255, n & 255])
const cat = (...parts: readonly Uint8Array[]): Bytes => Buffer.concat(parts)
const sha256 = (bytes: Uint8Array): Bytes => createHash('sha256').update(bytes).digest()
const hmac = (key: Uint8Array, bytes: Uint8Array): Bytes => createHmac('sha256', key).update(bytes).digest()
const message = (type: number, body: Uint8Array): Bytes => cat(u8(type), u24(body.length), body)

/** HKDF-Expand-Label, RFC 8446 §7.1, for at most 32 bytes. */
function expand(secret: Uint8Array, label: string, context: Uint8Array, length: number): Bytes {
  const full = Buffer.from(`tls13 ${label}`)
  const info = cat(u16(length), u8(full.length), full, u8(context.length), context)
  return hmac(secret, cat(info, u8(1))).subarray(0, length)
}

interface RecordKeys {
  readonly secret: Bytes
  readonly key: Bytes
  readonly iv: Bytes
  sequence: number
}

function keysFrom(secret: Bytes): RecordKeys {
  const none = Buffer.alloc(0)
  return { secret, key: expand(secret, 'key', none, 16), iv: expand(secret, 'iv', none, 12), sequence: 0 }
}

function nonceOf(keys: RecordKeys): Bytes {
  const nonce = Buffer.from(keys.iv)
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ keys.sequence) >>> 0, 8)
  keys.sequence += 1
  return nonce
}

function seal(keys: RecordKeys, type: number, content: Uint8Array): Bytes {
  const head = cat(u8(23), u16(0x0303), u16(content.length + 17))
  const cipher = createCipheriv('aes-128-gcm', keys.key, nonceOf(keys)).setAAD(head)
  return cat(head, cipher.update(cat(content, u8(type))), cipher.final(), cipher.getAuthTag())
}

function unseal(keys: RecordKeys, record: Bytes): { type: number; content: Bytes } {
  const decipher = createDecipheriv('aes-128-gcm', keys.key, nonceOf(keys)).setAAD(record.subarray(0, 5))
  decipher.setAuthTag(record.subarray(-16))
  const inner = cat(decipher.update(record.subarray(5, -16)), decipher.final())
  return { type: inner[inner.length - 1] ?? 0, content: inner.subarray(0, -1) }
}

/** What there is to lie with when the second flight is written. */
export interface Flight {
  /** All messages so far, from ClientHello to the server's Finished. */
  readonly transcript: Bytes
  /** The certificate of the server, and the signature with which it proved its key. */
  readonly serverCertificate: Bytes
  readonly serverSignature: Bytes
  certificate(ders: readonly Uint8Array[], context?: Uint8Array): Bytes
  verify(signature: Uint8Array): Bytes
  /** The signature that belongs after these messages (RFC 8446 §4.4.3). */
  signAfter(messages: Uint8Array, key: KeyObject, role?: 'client' | 'server'): Bytes
  finishedAfter(messages: Uint8Array): Bytes
  /** A record under the handshake keys. */
  seal(messages: Uint8Array, type?: number): Bytes
}

export interface Answer {
  /** What came as application data. */
  readonly text: string
  /** The alert that came, if one did. */
  readonly alert: number | undefined
}

export interface Lie {
  /** The records of the second flight; everything after the server's Finished until the request. */
  readonly flight: (flight: Flight) => Bytes
  readonly versions?: readonly number[]
  readonly request: string
}

function clientHello(publicKey: Uint8Array, versions: readonly number[]): Bytes {
  const extension = (type: number, body: Uint8Array): Bytes => cat(u16(type), u16(body.length), body)
  const share = cat(u16(0x001d), u16(32), publicKey)
  const extensions = cat(
    extension(43, cat(u8(versions.length * 2), ...versions.map(u16))),
    extension(10, cat(u16(2), u16(0x001d))),
    extension(13, cat(u16(2), u16(0x0807))),
    extension(51, cat(u16(share.length), share)),
  )
  const suites = cat(u16(2), u16(0x1301))
  return message(
    1,
    cat(u16(0x0303), randomBytes(32), u8(0), suites, u8(1), u8(0), u16(extensions.length), extensions),
  )
}

/** The server's x25519 share: the last extension of type 51 in its hello. */
function shareIn(serverHello: Bytes): Bytes {
  let at = 4 + 2 + 32
  at += 1 + (serverHello[at] ?? 0) + 2 + 1 + 2
  while (at < serverHello.length) {
    const [type, length] = [serverHello.readUInt16BE(at), serverHello.readUInt16BE(at + 2)]
    if (type === 51) return serverHello.subarray(at + 8, at + 4 + length)
    at += 4 + length
  }
  throw new Error('no key share')
}

/** Records of a connection, one by one; undefined when it has ended. */
function recordsOf(socket: Socket): () => Promise<Bytes | undefined> {
  let buffer: Bytes = Buffer.alloc(0)
  let ended = false
  let wake: (() => void) | undefined
  socket.on('data', (chunk) => {
    buffer = cat(buffer, chunk)
    wake?.()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    ended = true
    wake?.()
  })
  return async () => {
    for (;;) {
      const length = buffer.length < 5 ? Infinity : 5 + buffer.readUInt16BE(3)
      if (buffer.length >= length) {
        const record = buffer.subarray(0, length)
        buffer = buffer.subarray(length)
        return record
      }
      if (ended) return undefined
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
}

function splitMessages(bytes: Bytes): Bytes[] {
  const messages: Bytes[] = []
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = 4 + bytes.readUIntBE(at + 1, 3)
    if (at + length > bytes.length) break
    messages.push(bytes.subarray(at, at + length))
    at += length
  }
  return messages
}

const none = Buffer.alloc(0)

function flightOf(transcript: Bytes, messages: readonly Bytes[], keys: RecordKeys): Flight {
  const bodyOf = (type: number): Bytes => messages.find((m) => m[0] === type)?.subarray(4) ?? none
  const certificates = bodyOf(11)
  return {
    transcript,
    serverCertificate: certificates.subarray(7, 7 + certificates.readUIntBE(4, 3)),
    serverSignature: bodyOf(15).subarray(4),
    certificate: (ders, context = none) => {
      const entries = cat(...ders.map((bytes) => cat(u24(bytes.length), bytes, u16(0))))
      return message(11, cat(u8(context.length), context, u24(entries.length), entries))
    },
    verify: (signature) => message(15, cat(u16(0x0807), u16(signature.length), signature)),
    signAfter: (after, key, role = 'client') => {
      const label = Buffer.from(`TLS 1.3, ${role} CertificateVerify`)
      return sign(null, cat(Buffer.alloc(64, 32), label, u8(0), sha256(after)), key)
    },
    finishedAfter: (after) => message(20, hmac(expand(keys.secret, 'finished', none, 32), sha256(after))),
    seal: (content, type = 22) => seal(keys, type, content),
  }
}

/** Goes through a handshake as told, sends the request, and reports what came back before the connection ended or answered. */
export async function lieTo(host: string, port: number, lie: Lie): Promise<Answer> {
  const pair = generateKeyPairSync('x25519')
  const { x } = pair.publicKey.export({ format: 'jwk' })
  const hello = clientHello(Buffer.from(x ?? '', 'base64url'), lie.versions ?? [0x0304])
  const socket = connect({ host, port, noDelay: true })
  const next = recordsOf(socket)
  socket.write(cat(u8(22), u16(0x0301), u16(hello.length), hello))
  try {
    return await handshake(lie, hello, pair.privateKey, socket, next)
  } finally {
    socket.destroy()
  }
}

async function handshake(
  lie: Lie,
  hello: Bytes,
  privateKey: KeyObject,
  socket: Socket,
  next: () => Promise<Bytes | undefined>,
): Promise<Answer> {
  const first = await next()
  if (first === undefined) return { text: '', alert: undefined }
  if (first[0] === 21) return { text: '', alert: first[6] }
  const serverHello = first.subarray(5)
  const spki = { kty: 'OKP', crv: 'X25519', x: shareIn(serverHello).toString('base64url') }
  const shared = diffieHellman({ privateKey, publicKey: createPublicKey({ key: spki, format: 'jwk' }) })
  const early = hmac(Buffer.alloc(32), Buffer.alloc(32))
  const secret = hmac(expand(early, 'derived', sha256(none), 32), shared)
  const hellos = cat(hello, serverHello)
  const mine = keysFrom(expand(secret, 'c hs traffic', sha256(hellos), 32))
  const theirs = keysFrom(expand(secret, 's hs traffic', sha256(hellos), 32))
  let flight: Bytes = none
  while (!splitMessages(flight).some((m) => m[0] === 20)) {
    const record = await next()
    if (record === undefined) return { text: '', alert: undefined }
    if (record[0] === 23) flight = cat(flight, unseal(theirs, record).content)
  }
  const transcript = cat(hellos, flight)
  socket.write(lie.flight(flightOf(transcript, splitMessages(flight), mine)))
  const master = hmac(expand(secret, 'derived', sha256(none), 32), Buffer.alloc(32))
  const send = keysFrom(expand(master, 'c ap traffic', sha256(transcript), 32))
  const receive = keysFrom(expand(master, 's ap traffic', sha256(transcript), 32))
  socket.write(seal(send, 23, Buffer.from(lie.request)))
  return answer(next, receive)
}

async function answer(next: () => Promise<Bytes | undefined>, keys: RecordKeys): Promise<Answer> {
  let text = ''
  for (;;) {
    const record = await next()
    if (record === undefined) return { text, alert: undefined }
    if (record[0] === 21) return { text, alert: record[6] }
    if (record[0] !== 23) continue
    const { type, content } = unseal(keys, record)
    if (type === 21) return { text, alert: content[1] }
    if (type === 23) text += content.toString('latin1')
    if (text.includes('\r\n\r\n')) return { text, alert: undefined }
  }
}
