/**
 * Where each field of an event is. Big-endian.
 *
 *   offset size  field
 *        0   16  domain tag "hearsay.event.1\n"
 *       16   32  network id (hash of the genesis)
 *       48    2  protocol version
 *       50    4  creator (member id)
 *       54    6  sequence number: 1, or one more than the self-parent's
 *       60    6  birth round
 *       66    8  timestamp, microseconds since the Unix epoch, below 2^53
 *       74   16  salt: random bytes, they make the coin bit unpredictable
 *       90    4  payload size in bytes
 *       94    4  number of transactions
 *       98   32  payload commitment (payload.ts)
 *      130    1  self-parents that follow: 0 or 1
 *      131    1  other-parents that follow
 *      132 42·k  references: creator (4), birth round (6), id (32); the self-parent first
 *        …   64  Ed25519 signature over all that is before it
 *        …    …  payload
 */
import { ascii, readUint32, readUint48 } from './bytes.ts'
import { MAX_OTHER_PARENTS, MAX_PAYLOAD_BYTES } from './limits.ts'

export const DOMAIN: Uint8Array = ascii('hearsay.event.1\n')
export const AT_NETWORK = 16
export const AT_VERSION = 48
export const AT_CREATOR = 50
export const AT_SEQUENCE = 54
export const AT_BIRTH_ROUND = 60
export const AT_TIMESTAMP = 66
export const AT_SALT = 74
export const AT_PAYLOAD_SIZE = 90
export const AT_TRANSACTION_COUNT = 94
export const AT_PAYLOAD_ROOT = 98
export const AT_SELF_PARENTS = 130
export const AT_OTHER_PARENTS = 131
export const AT_REFERENCES = 132
export const REFERENCE_BYTES = 42
export const SIGNATURE_BYTES = 64
export const SALT_BYTES = 16

/** The largest event that is valid, in bytes. */
export const MAX_EVENT_BYTES: number =
  AT_REFERENCES + REFERENCE_BYTES * (MAX_OTHER_PARENTS + 1) + SIGNATURE_BYTES + MAX_PAYLOAD_BYTES

/** Creator, sequence number and birth round of an event's bytes, without checking anything: for one's own journal. */
export function peekEvent(bytes: Uint8Array): { creator: number; sequence: number; birthRound: number } {
  return {
    creator: readUint32(bytes, AT_CREATOR),
    sequence: readUint48(bytes, AT_SEQUENCE),
    birthRound: readUint48(bytes, AT_BIRTH_ROUND),
  }
}

/** Length of the payload of an event's bytes as they claim it, without checking anything: for counting. */
export function payloadBytesOf(bytes: Uint8Array): number {
  return bytes.length < AT_REFERENCES ? 0 : readUint32(bytes, AT_PAYLOAD_SIZE)
}
