/** Spec section 7: an engine started from the snapshot of any round goes on like the one that has been there from genesis. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replayInterchange } from '@hearsay/consensus'
import type { InterchangeResult } from '@hearsay/consensus'
import { describe, expect, test } from 'vitest'

interface CaseFile {
  readonly rosters: readonly unknown[]
  readonly events: readonly { readonly birthRound: number }[]
  readonly expected: InterchangeResult
}

describe('a start from the snapshot of every round', () => {
  test.each([
    'genesis-4',
    'ancient-4',
    'roster-change-4',
    'coins-4-branching',
    'equal-times-7',
    'weights-10-branching',
    'single-member',
  ])('%s', (name) => {
    const path = join(import.meta.dirname, '..', 'conformance', 'cases', `${name}.json`)
    const file = JSON.parse(readFileSync(path, 'utf8')) as CaseFile
    for (const [i, snapshot] of file.expected.rounds.entries()) {
      const { events: _, ...start } = snapshot
      const events = file.events.filter((event) => event.birthRound >= snapshot.ancientThreshold)
      const { decidedRound, rounds } = replayInterchange({ ...file, snapshot: start, events })
      expect(decidedRound).toBe(file.expected.decidedRound)
      expect(rounds, `from round ${snapshot.round}`).toStrictEqual(file.expected.rounds.slice(i + 1))
    }
  })
})
