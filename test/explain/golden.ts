/** The drawing that is kept to the byte in `golden.svg`. Written anew by hand: node scripts/make-golden.ts */
import { renderSvg } from '@hearsay/consensus'
import { drawn, readCase } from './reading.ts'

const NAMES = ['ada', 'bob', 'cat', 'dan & co']

/** The first events of a graph with a member that has branched. */
export function goldenDrawing(): string {
  const events = drawn(readCase('coins-4-branching.json')).slice(0, 24)
  return renderSvg(events, { nameOf: (member) => NAMES[member]! })
}
