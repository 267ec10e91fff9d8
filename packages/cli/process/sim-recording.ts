// Records a simulated world for the page: all events that honest members have linked, what was done to them and when, and what broke.
import type { Genesis } from '@hearsay/dag'
import type { Scenario } from '@hearsay/simulator'
import { runScenario, type World } from '@hearsay/simulator/process'

interface Mark {
  readonly at: number
  readonly kind: 'fault' | 'repair' | 'violation' | 'note'
  readonly text: string
}

export interface Recording {
  readonly genesis: Genesis
  /** Parents first. */
  readonly events: readonly Uint8Array[]
  readonly header: {
    readonly unsigned: boolean
    readonly marks: readonly Mark[]
    readonly violation?: { readonly invariant: string; readonly message: string; readonly at: number }
  }
}

type Fault = Scenario['faults'][number]

function wordsOf(fault: Fault): string {
  if (fault.kind === 'cut')
    return `cut m${fault.from.join(', m')} ${fault.both ? '–' : '→'} m${fault.to.join(', m')}`
  return 'member' in fault ? `${fault.kind} m${fault.member}` : fault.kind
}

/** Looking changes nothing: what is noted is only read, and the world's own moves stay in their order. */
export async function recordScenario(scenario: Scenario): Promise<Recording> {
  const marks: Mark[] = []
  let seen: World | undefined
  const outcome = await runScenario(scenario, (world) => {
    seen = world
    const note = (atMs: number, kind: Mark['kind'], text: string): void =>
      world.after(atMs, () => void marks.push({ at: world.checks.events().length, kind, text }))
    for (const fault of scenario.faults) {
      note(fault.atMs, 'fault', wordsOf(fault))
      if (fault.atMs + fault.forMs < scenario.stormMs)
        note(fault.atMs + fault.forMs, 'repair', `end of ${wordsOf(fault)}`)
    }
    note(scenario.stormMs, 'note', 'the storm is over, all is mended')
  })
  if (seen === undefined) throw new Error('invariant: a world that nobody has seen')
  const { violation } = outcome
  const events = seen.checks.events().map(({ bytes }) => bytes)
  if (violation !== undefined)
    marks.push({ at: events.length, kind: 'violation', text: `${violation.invariant} is broken` })
  return {
    genesis: seen.genesis,
    events,
    header: {
      unsigned: !scenario.realSignatures,
      marks,
      ...(violation === undefined
        ? {}
        : {
            violation: {
              invariant: violation.invariant,
              message: `${violation.message} (after ${Math.round(violation.atMs)} ms)`,
              at: events.length,
            },
          }),
    },
  }
}
