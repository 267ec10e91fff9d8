/** What a node serves of its journal: what a peer lacks, parents first, and nothing of its own that a crash could take back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { peekEvent } from '@hearsay/dag'
import { decodeFrame, type Frame, type WantFrame } from '@hearsay/gossip'
import { createRepairIndex, RECORD_EVENT } from '@hearsay/node'
import { openJournal } from '@hearsay/node/disk'
import { expect, test } from 'vitest'
import { systemClock } from '@hearsay/node/process'
import { createRepairServer } from '../../packages/node/process/repair-server.ts'
import { createMaker, unsigned } from '../dag/making.ts'
import { freshDirectory, networkId } from '../disk/support.ts'

const maker = createMaker(2, unsigned)
const want: WantFrame = {
  kind: 'want',
  request: 9,
  frontier: new Map(),
  missing: [],
  maxBytes: 2 ** 30,
  ancientThreshold: 1,
}

/** Ten events of each of two members in the journal of the first; all that it sends when it is asked for everything. */
async function served(durableSequence: number): Promise<Frame[]> {
  const journal = openJournal({ dir: freshDirectory(), networkId })
  const index = createRepairIndex([1, 2])
  for (const creator of [1, 2]) {
    let tip = maker.event({ creator })
    for (let i = 1; i <= 10; i++) {
      index.note(journal.append(RECORD_EVENT, tip.bytes), tip.bytes)
      tip = maker.child(tip)
    }
  }
  journal.flush()
  const frames: Frame[] = []
  const server = createRepairServer({
    clock: systemClock,
    journal,
    index,
    memberId: 1,
    durableSequence: () => durableSequence,
    send: (_, bytes) => void frames.push(decodeFrame(bytes)!),
    bufferedBytes: () => 0,
    onError: (error) => {
      throw error
    },
  })
  server.serve(3, want)
  for (let i = 0; i < 1_000 && frames.at(-1)?.kind !== 'want-end'; i++) await sleep(10)
  await journal.close()
  return frames
}

const sequencesIn = (frames: readonly Frame[], creator: number): number[] =>
  frames
    .flatMap((frame) => (frame.kind === 'events' ? frame.events.map((event) => peekEvent(event)) : []))
    .filter((event) => event.creator === creator)
    .map(({ sequence }) => sequence)

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1)

test.each([0, 4, 10])(
  'of its own events those up to %i are durable, and no others leave',
  async (durable) => {
    const frames = await served(durable)
    expect(sequencesIn(frames, 1)).toEqual(upTo(durable))
    expect(sequencesIn(frames, 2)).toEqual(upTo(10))
    expect(frames.at(-1)).toMatchObject({ kind: 'want-end', request: 9, complete: true })
  },
)
