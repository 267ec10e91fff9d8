// Writes test/dag/golden.json: the bytes of a genesis, of two events and of a block that must never change while the
// protocol version stays; and test/explain/golden.svg, how a small graph is drawn. Run by hand after a change of a layout,
// and review the diff: node scripts/make-golden.ts
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { golden } from '../test/dag/golden.ts'
import { goldenDrawing } from '../test/explain/golden.ts'

const file = join(import.meta.dirname, '../test/dag/golden.json')
writeFileSync(file, `${JSON.stringify(golden, undefined, 2)}\n`)
for (const [name, hex] of Object.entries(golden)) console.log(`${name}: ${hex.length / 2} bytes`)

const drawing = goldenDrawing()
writeFileSync(join(import.meta.dirname, '../test/explain/golden.svg'), drawing)
console.log(`drawing: ${drawing.length} characters`)
