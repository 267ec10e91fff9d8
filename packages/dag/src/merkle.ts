/**
 * Merkle trees over leaf hashes, as in RFC 6962 section 2.1: leaves and inner nodes are hashed with different first
 * bytes, and a list of n splits at the greatest power of two below n, so no two lists have the same root.
 */
import { equalBytes } from './bytes.ts'
import type { Sha256 } from './crypto.ts'

const LEAF = 0
const NODE = 1

/** Hash of a leaf: SHA-256 of a zero byte and the parts. */
export function hashLeaf(sha256: Sha256, ...parts: readonly Uint8Array[]): Uint8Array {
  let size = 1
  for (const part of parts) size += part.length
  const whole = new Uint8Array(size)
  whole[0] = LEAF
  let at = 1
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return sha256(whole)
}

function hashNode(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  const whole = new Uint8Array(65)
  whole[0] = NODE
  whole.set(left, 1)
  whole.set(right, 33)
  return sha256(whole)
}

/** Root of the tree over these leaf hashes; of no leaves: SHA-256 of nothing. */
export function merkleRoot(sha256: Sha256, leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0))
  // Pairing neighbours level by level and carrying an odd last one up gives the RFC's tree.
  const whole = new Uint8Array(65)
  whole[0] = NODE
  const parent = (left: Uint8Array, right: Uint8Array): Uint8Array => {
    whole.set(left, 1)
    whole.set(right, 33)
    return sha256(whole)
  }
  let level = leaves
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let i = 0; i + 1 < level.length; i += 2) next.push(parent(level[i]!, level[i + 1]!))
    if (level.length % 2 === 1) next.push(level[level.length - 1]!)
    level = next
  }
  return level[0]!
}

/** The sibling hashes from the leaf at `index` up to the root. */
export function merklePath(sha256: Sha256, leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (index < 0 || index >= leaves.length) throw new Error(`invariant: leaf ${index} of ${leaves.length}`)
  const path: Uint8Array[] = []
  let level = leaves
  let at = index
  while (level.length > 1) {
    const sibling = level[at ^ 1]
    if (sibling !== undefined) path.push(sibling)
    const next: Uint8Array[] = []
    for (let i = 0; i + 1 < level.length; i += 2) next.push(hashNode(sha256, level[i]!, level[i + 1]!))
    if (level.length % 2 === 1) next.push(level[level.length - 1]!)
    level = next
    at >>= 1
  }
  return path
}

/** Whether `leaf` is the leaf hash at `index` of the `count` leaves whose root is `root`. */
export function verifyMerklePath(
  sha256: Sha256,
  leaf: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= count) return false
  let hash = leaf
  let at = index
  let width = count
  let used = 0
  while (width > 1) {
    const hasSibling = (at ^ 1) < width
    if (hasSibling) {
      const sibling = path[used++]
      if (sibling === undefined || sibling.length !== 32) return false
      hash = at % 2 === 0 ? hashNode(sha256, hash, sibling) : hashNode(sha256, sibling, hash)
    }
    at >>= 1
    width = (width + 1) >> 1
  }
  return used === path.length && equalBytes(hash, root)
}
