/** The liar of a scenario: one member that the test plays. It greets, and does nothing else unless it is told to. */
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
import { suite, type Puppet, type World } from './world.ts'

export interface Liar {
  connect(): void
  send(to: number, frame: Frame): void
  push(to: number, ...events: readonly VerifiedEvent[]): void
  status(to: number, frontier: Frontier, decidedRound?: number): void
  /** The newest event heard of a member. */
  newest(creator: number): EventReference | undefined
  /** A signed event: a first one unless told otherwise. */
  event(wishes: Partial<EventFields>): VerifiedEvent
  after(parent: VerifiedEvent, wishes?: Partial<EventFields>): VerifiedEvent
}

/** Greets, answers as the test says, makes any event of its own. */
export function createLiar(
  world: World,
  self: number,
  answer: (from: number, frame: Frame) => void = () => undefined,
): Liar {
  const networkId = networkIdOf(world.genesis, suite.sha256)
  const heard = new Map<string, EventReference & { readonly sequence: number }>()
  const puppet: Puppet = world.puppet(self, (from, bytes) => {
    const frame = decodeFrame(bytes)!
    if (frame.kind === 'hello') {
      const software = 'liar'
      liar.send(from, {
        kind: 'hello',
        networkId,
        version: PROTOCOL_VERSION,
        memberId: self,
        software,
        features: 0,
      })
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
  const liar: Liar = {
    send: (to, frame) => puppet.send(to, encodeFrame(frame)),
    connect: () => puppet.connect(),
    push: (to, ...events) =>
      puppet.send(
        to,
        encodeFrame({ kind: 'events', request: 0, events: events.map((event) => event.bytes) }),
      ),
    status: (to, frontier, decidedRound = 0) =>
      liar.send(to, { kind: 'status', decidedRound, ancientThreshold: 1, frontier, recordsDigest: 0 }),
    newest: (creator) => {
      let newest: (EventReference & { readonly sequence: number }) | undefined
      for (const each of heard.values())
        if (each.creator === creator && each.sequence > (newest?.sequence ?? 0)) newest = each
      return newest && { creator, birthRound: newest.birthRound, id: newest.id }
    },
    event: (wishes) => {
      const salted = new Uint8Array(16)
      new DataView(salted.buffer).setUint32(0, ++salt)
      return createEvent(
        {
          creator: self,
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
        world.secretKey(self),
        suite,
      )
    },
    after: (parent, wishes = {}) =>
      liar.event({
        sequence: parent.sequence + 1,
        selfParent: { creator: self, birthRound: parent.birthRound, id: parent.id },
        birthRound: parent.birthRound,
        ...wishes,
      }),
  }
  return liar
}
