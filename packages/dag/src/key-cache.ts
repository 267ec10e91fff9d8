/**
 * Decides what to keep of the work done per key (tables, parsed keys): the most recently used, up to a bound.
 *
 * The members of a network are few and sign often, so preparing a key pays; the bound keeps strangers' keys from
 * filling the memory. What is cached never decides a verdict, only its price.
 */

/** A table from keys (byte strings of at most a few dozen bytes) to prepared values, with a fixed bound. */
export interface KeyCache<T> {
  /** The value of `key`, prepared on first use. `prepare` may throw, and then nothing is kept. */
  get(key: Uint8Array): T
  /** Number of entries held now, never above the bound. */
  readonly size: number
}

/** A cache of at most `limit` entries (at least 1; a `RangeError` otherwise) that forgets the least recently used. */
export const createKeyCache = <T>(limit: number, prepare: (key: Uint8Array) => T): KeyCache<T> => {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError('a key cache holds at least one key')
  const entries = new Map<string, { readonly value: T }>()
  return {
    get(key) {
      const name = String.fromCharCode(...key)
      const known = entries.get(name)
      if (known !== undefined) {
        // A Map iterates in order of insertion: putting the entry back makes it the youngest.
        entries.delete(name)
        entries.set(name, known)
        return known.value
      }
      const entry = { value: prepare(key) }
      if (entries.size >= limit) {
        const oldest = entries.keys().next()
        if (!oldest.done) entries.delete(oldest.value)
      }
      entries.set(name, entry)
      return entry.value
    },
    get size() {
      return entries.size
    },
  }
}
