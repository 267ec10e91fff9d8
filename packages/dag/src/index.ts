export * from './bytes.ts'
export * from './crypto.ts'
export * from './certificate.ts'
export { MAX_EVENT_BYTES, payloadBytesOf, peekEvent, SALT_BYTES } from './event-layout.ts'
export * from './event.ts'
export * from './evidence-json.ts'
export * from './genesis-json.ts'
export * from './graph.ts'
export * from './limits.ts'
export * from './merkle.ts'
export * from './payload.ts'
export type * from './proof-json.ts'
export * from './roster.ts'
export * from './roster-chain.ts'
export * from './roster-change.ts'
export * from './sealed.ts'
export { DEFAULT_WAITING_LIMITS, type WaitingLimits } from './waiting.ts'
export { isAcceptableKey, KEY_BYTES, passesPrechecks, SIGNATURE_BYTES } from './strict.ts'
export { createPortableSuite, type PortableOptions } from './portable.ts'
export * from './cbor.ts'
export * from './referee.ts'
export * from './self-test.ts'
export {
  CBOR_REJECTIONS,
  type CborLimits,
  type CborRejection,
  MAX_CBOR_DEPTH,
  MAX_CBOR_ITEMS,
} from './cbor-scan.ts'
