/**
 * Own events, each once to every peer: elided for who reads that and can put it back, whole for the others. A link that is
 * congested is left out, and asks for what it has missed when it has drained (gossip design, section 2.3).
 */
import { payloadBytesOf, type DecodedEvent } from '@hearsay/dag'
import { encodeFrame, FEATURES } from './frames.ts'
import type { Link } from './links.ts'
import type { GossipView } from './options.ts'
import type { Traffic } from './traffic.ts'

export interface PushParts {
  readonly view: Pick<GossipView, 'ancientThreshold' | 'numberOf'>
  readonly traffic: Pick<Traffic, 'of'>
  readonly random: () => number
  readonly send: (link: number, frame: Uint8Array) => void
}

export function pushTo(links: readonly Link[], event: DecodedEvent, parts: PushParts): void {
  const { view, traffic, send } = parts
  let whole: Uint8Array | undefined
  const payload = payloadBytesOf(event.bytes)
  // A parent that is not in the peers' memory any more could not be put back.
  const threshold = view.ancientThreshold()
  const isRecent = threshold === 1 || (event.selfParent?.birthRound ?? Infinity) > threshold + 1
  const open = links.filter((link) => link.greeted)
  // A random first one: nobody is always the last to be served.
  const start = Math.floor(parts.random() * open.length)
  for (let i = 0; i < open.length; i++) {
    const link = open[(start + i) % open.length]!
    if (link.congested) {
      link.writer.interrupt()
      continue
    }
    let bytes: Uint8Array
    if ((link.features & FEATURES.elided) !== 0 && isRecent)
      bytes = link.writer.write(event, view.numberOf, (link.features & FEATURES.packed) !== 0)
    else {
      link.writer.interrupt()
      bytes = whole ??= encodeFrame({ kind: 'events', request: 0, events: [event.bytes] })
    }
    send(link.link, bytes)
    const { sent } = traffic.of(link.memberId)
    sent.events += 1
    sent.payload += payload
    sent.header += bytes.length - payload
  }
}
