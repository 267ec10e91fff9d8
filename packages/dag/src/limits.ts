/**
 * The bounds of one event. They are part of what makes an event valid, so every member must use the same: they change
 * only with the protocol version.
 */

/** Version of the event layout and of the rules of validity. */
export const PROTOCOL_VERSION = 1

/** One transaction, in bytes. */
export const MAX_TRANSACTION_BYTES = 65_536

/** All transactions of one event with their length prefixes, in bytes. */
export const MAX_PAYLOAD_BYTES = 262_144

/** Transactions of one event. */
export const MAX_TRANSACTIONS = 8_192

/** Other-parents of one event: one a member at the most. */
export const MAX_OTHER_PARENTS = 127

/** Members of one roster. */
export const MAX_MEMBERS = 128

/** Sequence numbers and birth rounds are six bytes. */
export const MAX_UINT48 = 0xffff_ffff_ffff
