// Measures the crypto suites: rates of verify, sign and sha256, one JSON object a line.
// Run: node scripts/bench-crypto.ts [seconds per measurement, default 0.5]
//
// Rates are per second of processor time of this process, best of three windows, so that a busy machine disturbs them
// less; on an idle one they equal rates per second. Compare ratios, not figures from different machines.
import { cpus } from 'node:os'
import { bootSelfTest, createPortableSuite, type CryptoSuite } from '../packages/dag/src/index.ts'
import { createNativeSuite } from '../packages/dag/native/index.ts'

const seconds = Number(process.argv[2] ?? 0.5)
const MEMBERS = 16
const MESSAGE_BYTES = 300

const machine = {
  processor: cpus()[0]?.model ?? 'unknown',
  processors: cpus().length,
  node: process.version,
  openssl: process.versions.openssl,
}

const processorMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Calls a second of processor time, and the number of calls counted, over the best of three windows. */
const measure = (call: (index: number) => void): { perSecond: number; calls: number } => {
  for (let i = 0; i < 200; i += 1) call(i)
  let best = { perSecond: 0, calls: 0 }
  for (let window = 0; window < 3; window += 1) {
    const start = processorMs()
    let calls = 0
    let elapsedMs = 0
    while (elapsedMs < (seconds * 1000) / 3) {
      for (let i = 0; i < 20; i += 1) call(calls + i)
      calls += 20
      elapsedMs = processorMs() - start
    }
    const perSecond = Math.round((calls * 1000) / elapsedMs)
    if (perSecond > best.perSecond) best = { perSecond, calls }
  }
  return best
}

const report = (suite: string, operation: string, fields: object): void =>
  console.log(JSON.stringify({ suite, operation, ...fields, ...machine }))

const message = new Uint8Array(MESSAGE_BYTES).fill(5)
const seeds = Array.from({ length: MEMBERS }, (_, member) => new Uint8Array(32).fill(member + 1))

const benchSuite = (suite: CryptoSuite): void => {
  const keys = seeds.map((seed) => suite.publicKey(seed))
  const good = seeds.map((seed) => suite.sign(seed, message))
  const bad = good.map((signature) => Uint8Array.from(signature, (byte, at) => (at === 40 ? byte ^ 1 : byte)))
  const unreduced = good.map((signature) =>
    Uint8Array.from(signature, (byte, at) => (at === 63 ? 0xff : byte)),
  )
  const verify = (signatures: readonly Uint8Array[]) => (i: number) => {
    suite.verify(keys[i % MEMBERS]!, message, signatures[i % MEMBERS]!)
  }
  const shape = { members: MEMBERS, messageBytes: MESSAGE_BYTES }
  report(suite.name, 'verify, valid', { ...shape, ...measure(verify(good)) })
  report(suite.name, 'verify, forged', { ...shape, ...measure(verify(bad)) })
  report(suite.name, 'verify, refused by the prechecks', { ...shape, ...measure(verify(unreduced)) })
  report(suite.name, 'sign', {
    ...shape,
    ...measure((i) => {
      suite.sign(seeds[i % MEMBERS]!, message)
    }),
  })
  for (const messageBytes of [300, 1024, 65_536]) {
    const bytes = new Uint8Array(messageBytes).fill(6)
    const { perSecond, calls } = measure(() => {
      suite.sha256(bytes)
    })
    const megabytesPerSecond = Math.round((perSecond * messageBytes) / 1e6)
    report(suite.name, 'sha256', { messageBytes, perSecond, megabytesPerSecond, calls })
  }
}

for (const create of [createNativeSuite, createPortableSuite]) {
  const start = processorMs()
  const result = bootSelfTest(create())
  const elapsedMs = Math.round(processorMs() - start)
  report(create().name, 'boot self-test', { passed: result.ok, elapsedMs })
  benchSuite(create())
}
