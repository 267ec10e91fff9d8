/**
 * Preloaded into a node: its wall clock is off by what a file says, in milliseconds, and follows the file. The monotonic clock is
 * left alone, as the system's is when somebody sets the time.
 */
import { readFileSync } from 'node:fs'

const file = process.env['HEARSAY_CHAOS_CLOCK']
if (file === undefined) throw new Error('HEARSAY_CHAOS_CLOCK names the file')
const wallMs = Date.now
let offsetMs = Number(readFileSync(file, 'utf8'))
setInterval(() => void (offsetMs = Number(readFileSync(file, 'utf8'))), 100).unref()
Date.now = () => wallMs() + offsetMs
