import { expect, test } from 'vitest'
import { concatBytes, hashLeaf, merklePath, merkleRoot, toHex, verifyMerklePath } from '@hearsay/dag'
import { suite } from './making.ts'
import { createRandom } from './random.ts'

const { sha256 } = suite

/** RFC 6962 section 2.1, word by word: a list splits at the greatest power of two below its length. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0))
  if (leaves.length === 1) return leaves[0]!
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(
    concatBytes(Uint8Array.of(1), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split))),
  )
}

/** RFC 6962 section 2.1.1. */
function naivePath(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length <= 1) return []
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return index < split
    ? [...naivePath(leaves.slice(0, split), index), naiveRoot(leaves.slice(split))]
    : [...naivePath(leaves.slice(split), index - split), naiveRoot(leaves.slice(0, split))]
}

const leavesOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => hashLeaf(sha256, Uint8Array.of(i >> 8), Uint8Array.of(i & 255)))

test('the published roots of the certificate transparency reference tree', () => {
  const inputs = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ]
  const leaves = inputs.map((hex) => hashLeaf(sha256, Uint8Array.from(Buffer.from(hex, 'hex'))))
  const roots = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]
  for (const [count, root] of roots.entries())
    expect(toHex(merkleRoot(sha256, leaves.slice(0, count)))).toBe(root)
})

test('roots and paths are those of the recursion, for every list up to 40', () => {
  for (let count = 0; count <= 40; count++) {
    const leaves = leavesOf(count)
    const root = merkleRoot(sha256, leaves)
    expect(root).toEqual(naiveRoot(leaves))
    for (let index = 0; index < count; index++) {
      const path = merklePath(sha256, leaves, index)
      expect(path).toEqual(naivePath(leaves, index))
      expect(verifyMerklePath(sha256, leaves[index]!, index, count, path, root)).toBe(true)
    }
  }
})

test('a path shows its own leaf and no other, and every change of it is refused', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createRandom(seed)
    const count = 1 + random.below(200)
    const leaves = leavesOf(count)
    const root = merkleRoot(sha256, leaves)
    const index = random.below(count)
    const path = merklePath(sha256, leaves, index)
    const verify = (
      leaf: Uint8Array,
      at: number,
      of: number,
      by: readonly Uint8Array[],
      to = root,
    ): boolean => verifyMerklePath(sha256, leaf, at, of, by, to)
    const label = `seed ${seed}`
    const wrong = random.below(count)
    if (wrong !== index) expect(verify(leaves[wrong]!, index, count, path), label).toBe(false)
    // Elsewhere in a list of the same length the same leaf is not shown.
    const elsewhere = leaves.findIndex((_, at) => at !== index && verify(leaves[index]!, at, count, path))
    expect(elsewhere, label).toBe(-1)
    expect(verify(leaves[index]!, index, count, [...path, leaves[0]!]), label).toBe(false)
    if (path.length > 0) expect(verify(leaves[index]!, index, count, path.slice(1)), label).toBe(false)
    for (let i = 0; i < path.length; i++) {
      const bent = path.map((each) => each.slice())
      bent[i]![random.below(32)]! ^= 1 << random.below(8)
      expect(verify(leaves[index]!, index, count, bent), label).toBe(false)
      bent[i] = new Uint8Array(31)
      expect(verify(leaves[index]!, index, count, bent), label).toBe(false)
    }
    expect(verify(leaves[index]!, index, count, path, leaves[index]), label).toBe(count === 1)
  }
})

test('numbers that are no places in a list are refused, and end', () => {
  const leaf = leavesOf(1)[0]!
  for (const [index, count] of [
    [0, 0],
    [-1, 1],
    [1, 1],
    [0.5, 1],
    [Number.NaN, 1],
    [0, 2],
    [2 ** 40, 2 ** 50],
    [0, Infinity],
    [Infinity, Infinity],
  ] as const)
    expect(verifyMerklePath(sha256, leaf, index, count, [leaf], leaf)).toBe(false)
  expect(() => merklePath(sha256, [leaf], 1)).toThrow('invariant')
})
