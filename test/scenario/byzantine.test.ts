/** What one member that lies can do to three that do not: nothing that lasts. */
import { expect, test } from 'vitest'
import {
  createEvent,
  decodeEvent,
  networkIdOf,
  PROTOCOL_VERSION,
  type EventFields,
  type EventReference,
  type VerifiedEvent,
} from '@hearsay/dag'
import { decodeFrame, encodeFrame, type Frame, type Frontier } from '@hearsay/gossip'
import { createWorld, orderedTexts, suite, type Puppet, type World } from './world.ts'

const LIAR = 4

/** The liar: greets, answers as the test says, makes any event of its own. */
function createLiar(world: World, answer: (from: number, frame: Frame) => void = () => undefined) {
  const networkId = networkIdOf(world.genesis, suite.sha256)
  const heard = new Map<string, EventReference & { readonly sequence: number }>()
  const puppet: Puppet = world.puppet(LIAR, (from, bytes) => {
    const frame = decodeFrame(bytes)!
    if (frame.kind === 'hello') {
      const software = 'liar'
      liar.send(from, { kind: 'hello', networkId, version: PROTOCOL_VERSION, memberId: LIAR, software })
    }
    if (frame.kind === 'events') {
      for (const event of frame.events) {
        const decoded = decodeEvent(event.slice(), networkId, suite.sha256)
        if (decoded.ok) heard.set(decoded.event.key, decoded.event)
      }
    }
    answer(from, frame)
  })
  let salt = 0
  const liar = {
    send: (to: number, frame: Frame) => puppet.send(to, encodeFrame(frame)),
    connect: () => puppet.connect(),
    push: (to: number, ...events: readonly VerifiedEvent[]) =>
      puppet.send(
        to,
        encodeFrame({ kind: 'events', request: 0, events: events.map((event) => event.bytes) }),
      ),
    status: (to: number, frontier: Frontier, decidedRound = 0) =>
      liar.send(to, { kind: 'status', decidedRound, ancientThreshold: 1, frontier }),
    /** The newest event heard of a member. */
    newest: (creator: number): EventReference | undefined => {
      let newest: (EventReference & { readonly sequence: number }) | undefined
      for (const each of heard.values())
        if (each.creator === creator && each.sequence > (newest?.sequence ?? 0)) newest = each
      return newest && { creator, birthRound: newest.birthRound, id: newest.id }
    },
    event: (wishes: Partial<EventFields>): VerifiedEvent => {
      const salted = new Uint8Array(16)
      new DataView(salted.buffer).setUint32(0, ++salt)
      return createEvent(
        {
          creator: LIAR,
          sequence: 1,
          birthRound: 1,
          timestamp: 1_700_000_000_000_000 + salt,
          salt: salted,
          selfParent: undefined,
          otherParents: [],
          transactions: [],
          ...wishes,
        },
        networkId,
        world.secretKey(LIAR),
        suite,
      )
    },
    after: (parent: VerifiedEvent, wishes: Partial<EventFields> = {}): VerifiedEvent =>
      liar.event({
        sequence: parent.sequence + 1,
        selfParent: { creator: LIAR, birthRound: parent.birthRound, id: parent.id },
        birthRound: parent.birthRound,
        ...wishes,
      }),
  }
  return liar
}

const HONEST = [1, 2, 3]

function startHonest(world: World): void {
  for (const id of HONEST) world.start(id)
}

function expectOrdered(world: World, texts: readonly string[]): void {
  for (const id of HONEST)
    expect(orderedTexts(world, id).filter((text) => texts.includes(text))).toHaveLength(texts.length)
  expect(world.closedLinks).toEqual([])
  for (const id of HONEST) expect(world.node(id).failure).toBeUndefined()
}

test('a branch shown in two versions does not keep honest members apart, however much else the liar sends', () => {
  const world = createWorld({ seed: 71, members: 4 })
  startHonest(world)
  const liar = createLiar(world)
  liar.connect()
  world.run(200)
  const one = liar.event({ transactions: [Uint8Array.of(1)] })
  const two = liar.event({ transactions: [Uint8Array.of(2)] })
  liar.push(1, one)
  for (const to of [2, 3]) liar.push(to, two)
  // New events all the time, that everybody can link: whoever measures progress by growth is content.
  let tip = liar.after(one)
  const noise = (): void => {
    for (const to of HONEST) liar.push(to, tip)
    tip = liar.after(tip)
    world.after(3, noise)
  }
  world.after(3, noise)
  const texts: string[] = []
  for (let i = 0; i < 20; i++) {
    texts.push(`tx ${i}`)
    world.submit(1 + (i % 3), `tx ${i}`)
    world.run(50)
  }
  world.run(3_000)
  expectOrdered(world, texts)
  for (const id of HONEST) expect(world.node(id).member.view().branched).toEqual([LIAR])
})
