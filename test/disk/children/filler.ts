// Fills a journal until the system refuses, under a limit of the file size that the parent has set; prints what it found.
import { openJournal } from '@hearsay/node/disk'

// The limit announces itself with a signal; without a listener that would be the end.
process.on('SIGXFSZ', () => undefined)
const journal = openJournal({ dir: process.argv[2]!, networkId: new Uint8Array(32) })
for (let n = 0; ; n++) {
  const payload = Buffer.alloc(1000, n & 0xff)
  payload.writeDoubleBE(n)
  journal.append(1, payload)
  try {
    await journal.sync()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : String(error)
    console.log(JSON.stringify({ acknowledged: n, code, readable: journal.readFrom(0, 1e9).records.length }))
    process.exit(0)
  }
}
