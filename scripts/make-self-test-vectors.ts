// Chooses the vectors of the boot self-test and writes packages/dag/src/self-test-vectors.ts.
// Run by hand after a change of test/vectors, and review the diff: node scripts/make-self-test-vectors.ts
//
// All 12 of speccheck; of the others some from every class, where a class is the publisher's label, the verdict and
// the set of wrong rules (test/dag/verdict-rules.ts) that the vector exposes.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'prettier'
import { findFacts, strictRule, WRONG_RULES } from '../test/dag/verdict-rules.ts'
import { readCctv, readOwn, readSpeccheck, readWycheproof, type Vector } from '../test/dag/vectors.ts'

const MAX_VECTORS = 240
const MAX_MESSAGE_BYTES = 72
const PER_CLASS = 8

interface Judged {
  readonly vector: Vector
  readonly valid: boolean
  readonly exposes: readonly string[]
}

const judge = (vector: Vector): Judged => {
  const facts = findFacts(vector.publicKey, vector.message, vector.signature)
  const valid = strictRule(facts)
  if (vector.strict !== undefined && vector.strict !== valid) {
    throw new Error(`${vector.source} ${vector.id}: the source says ${vector.strict}, the rule ${valid}`)
  }
  const exposes = Object.keys(WRONG_RULES).filter((name) => WRONG_RULES[name]!(facts) !== valid)
  return { vector, valid, exposes }
}

const pack = ({ vector, valid }: Judged): Uint8Array =>
  Buffer.concat([
    Uint8Array.of(valid ? 1 : 0, vector.message.length, vector.signature.length),
    vector.publicKey,
    vector.message,
    vector.signature,
  ])

const judged = [...readSpeccheck(), ...readCctv(), ...readWycheproof(), ...readOwn()].map(judge)
if (judged.filter((each) => each.vector.source === 'cctv' && each.valid).length !== 43) {
  throw new Error('CCTV: STRICT accepts 43 of 914')
}

const taken = new Map<string, number>()
const chosen = judged.filter(({ vector, valid, exposes }) => {
  if (vector.source === 'speccheck') return true
  if (vector.message.length > MAX_MESSAGE_BYTES || vector.publicKey.length !== 32) return false
  // Labels of CCTV are many; what a vector exposes matters, so one of each suffices there.
  const name = [vector.source, vector.label, valid, ...exposes].join('|')
  const count = taken.get(name) ?? 0
  if (count >= (vector.source === 'cctv' ? 1 : PER_CLASS)) return false
  taken.set(name, count + 1)
  return true
})
if (chosen.length > MAX_VECTORS) throw new Error(`${chosen.length} vectors are too many`)
for (const name of Object.keys(WRONG_RULES)) {
  const count = chosen.filter((each) => each.exposes.includes(name)).length
  console.log(`${count} vectors expose: ${name}`)
  if (count === 0) throw new Error(`nothing exposes: ${name}`)
}

const packed = Buffer.concat(chosen.map(pack)).toString('base64')
const lines = packed.match(/.{1,104}/g) ?? []
const count = (source: string): number => chosen.filter((each) => each.vector.source === source).length
const text = `/**
 * Vectors of the boot self-test (self-test.ts): ${chosen.length} signatures with their STRICT verdict, packed and in base64.
 * Written by scripts/make-self-test-vectors.ts; do not edit.
 *
 * | vectors | source | licence |
 * |---|---|---|
 * | ${count('speccheck')} | github.com/novifinancial/ed25519-speccheck @ 65519336fda7 | Apache-2.0 |
 * | ${count('cctv')} | github.com/C2SP/CCTV @ 1e3d2860d46e, ed25519 | BSD 3-clause, (c) 2019 Google LLC, 2022 Filippo Valsorda |
 * | ${count('wycheproof')} | github.com/C2SP/wycheproof @ dac1dd4729fd, ed25519_test.json | Apache-2.0 |
 * | ${count('own')} | Hearsay, own.adversarial-1500.jsonl | no restriction |
 */
export const SELF_TEST_VECTORS: readonly string[] = [
${lines.map((line) => `  '${line}',`).join('\n')}
]
`
const file = join(import.meta.dirname, '../packages/dag/src/self-test-vectors.ts')
writeFileSync(
  file,
  await format(text, { parser: 'typescript', semi: false, singleQuote: true, printWidth: 110 }),
)
console.log(`${chosen.length} vectors, ${packed.length} characters, ${lines.length} lines`)
