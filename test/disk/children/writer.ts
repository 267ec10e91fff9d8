// Appends numbered records for as long as it lives and prints a number once its record is durable. The parent kills it.
import { openJournal } from '@hearsay/node/disk'

const dir = process.argv[2]!
let next = 0
const journal = openJournal({
  dir,
  networkId: new Uint8Array(32),
  segmentBytes: 20_000,
  repairTail: true,
  onRecord: () => (next += 1),
})
console.log(`open ${next}`)

/** Several writers, so that syncs are shared and records are pending whenever the end comes. */
async function write(): Promise<void> {
  for (;;) {
    const n = next++
    const payload = Buffer.alloc(8 + ((n * 37) % 900), n & 0xff)
    payload.writeDoubleBE(n)
    journal.append(1, payload)
    await journal.sync()
    process.stdout.write(`${n}\n`)
  }
}

for (let i = 0; i < 8; i++) void write()
