/**
 * The small changes to what the engine leaves for later insertions (base.ts); mutant-list.ts says what they are for. Not here: that
 * events which are not up to date are divided as if they were new. They and all after them are then computed anew, which gives the same.
 */
import type { Change } from './mutant-list-lanes.ts'

export const LATER_CHANGES: readonly Change[] = [
  ['base: what an earlier base changed is forgotten', 'if (!behind) k.changed.clear()', 'k.changed.clear()'],
  [
    'base: kept though not all is up to date',
    '!f.branching && !behind && witnesses',
    '!f.branching && witnesses',
  ],
  [
    'ancient: what is left for later is not asked',
    'if (event.birthRound <= k.newestBirth - k.roundsNonAncient) finish(k)',
    '',
  ],
  [
    'stepwise: what is known already is not considered',
    'k.isHeld = false\n  if (replayElection(k)) settle(k)',
    'k.isHeld = false',
  ],
  ['stepwise: not held', '!k.isHeld && k.stopped', 'k.stopped'],
]
