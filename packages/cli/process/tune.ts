// Decides what `tune` prints: for each profile what theory and the protocol's own bounds say of a full mesh.
import { type Profile, PROFILES, tuningOf } from '@hearsay/node'
import { predictMesh } from '@hearsay/simulator'
import { table, type TuneOptions } from '../src/index.ts'
import { createTerminal } from './terminal.ts'

/** Of an elided event, with as many parents as there are others: salt, signature, numbers, one or two bits a parent. */
const headerBytes = (members: number): number => 86 + Math.ceil(members / 6)
/** Of a frame that tells the frontier. */
const statusBytes = (members: number): number => 2 * members + 17
const PING_BYTES = 5
/** What a repair's server has under way beside the line: its buffer and one read. */
const UNDER_WAY_BYTES = 512 * 1024

function forecast(profile: Profile, { members, rate, bytes, delay, loss }: TuneOptions) {
  const tuning = tuningOf(profile)
  const mesh = predictMesh({
    members,
    eventsPerSecond: rate,
    eventBytes: bytes + headerBytes(members),
    delayMs: delay,
    loss,
    advertEveryMs: tuning.advertEveryMs,
    advertBytes: statusBytes(members),
    graceMs: tuning.graceMs,
  })
  const frozenMs = 2 * tuning.pingAfterMs + tuning.probeWaitMs + delay
  return {
    profile,
    ...mesh,
    idleBytesPerSecondPerLink: (2 * PING_BYTES * 1_000) / tuning.pingAfterMs,
    frozenSuspectedMs: frozenMs,
    killedSuspectedMs: tuning.reopenMs,
    frozenDownMs: frozenMs + tuning.confirmMs,
    /** Up to this rate of the line a repair never waits for a round trip. */
    streamBytesPerSecond: (tuning.repairBytes / 2 - UNDER_WAY_BYTES) / ((2 * delay) / 1_000),
  }
}

const whole = (value: number): string => String(Math.round(value))

export async function tune(options: TuneOptions): Promise<void> {
  const terminal = createTerminal(options)
  const profiles = options.profile === undefined ? (Object.keys(PROFILES) as Profile[]) : [options.profile]
  const forecasts = profiles.map((profile) => forecast(profile, options))
  if (terminal.isJson) {
    for (const each of forecasts) await terminal.out(JSON.stringify(each))
    return
  }
  type Forecast = (typeof forecasts)[number]
  const rows: readonly (readonly [string, (each: Forecast) => string])[] = [
    ['reached by the push alone', (each) => `${(100 * each.coverageByPush).toFixed(1)} %`],
    ['reached in the end', () => '100 %'],
    ['mean latency, ms', (each) => each.meanMs.toFixed(1)],
    ['  by push', (each) => each.pushMs.toFixed(1)],
    ['  by repair', (each) => each.repairMs.toFixed(1)],
    ['events out, bytes/s', (each) => whole(each.eventBytesPerSecond)],
    ['adverts out, bytes/s', (each) => whole(each.advertBytesPerSecond)],
    ['an idle link, bytes/s', (each) => whole(each.idleBytesPerSecondPerLink)],
    ['frozen: suspected within, ms', (each) => whole(each.frozenSuspectedMs)],
    ['frozen: down within, ms', (each) => whole(each.frozenDownMs)],
    ['killed: suspected after, ms', (each) => whole(each.killedSuspectedMs)],
    ['a repair streams up to, MB/s', (each) => (each.streamBytesPerSecond / 1e6).toFixed(1)],
  ]
  const lines = rows.map(([name, of]) => [name, ...forecasts.map(of)])
  await terminal.out(
    table(
      [['profile', ...profiles], ...lines],
      profiles.map((_, i) => i + 1),
    ),
  )
}
