// Decides what a testnet and the nodes that it starts say to each other. The order to stop is given by ending the channel: so it
// is also given when the testnet is killed. The other order is where to dial the other members from now on.
import type { Address, Fault } from '../src/index.ts'

/** What a testnet tells a node. */
export interface PeersMessage {
  readonly kind: 'peers'
  readonly peers: Readonly<Record<string, Address>>
}

export function asPeersMessage(value: unknown): PeersMessage | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined
  return value.kind === 'peers' ? (value as PeersMessage) : undefined
}

/** Where the page that a node serves finds the rest of the testnet. */
export interface PageMessage {
  readonly kind: 'page'
  readonly nodes: readonly { readonly name: string; readonly url: string }[]
  readonly control: { readonly url: string; readonly token: string }
}

export function asPageMessage(value: unknown): PageMessage | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined
  return value.kind === 'page' ? (value as PageMessage) : undefined
}

export type NodeMessage =
  | {
      readonly kind: 'up'
      readonly api: Address
      readonly gossip: Address
      /** Where the ledger stood when the node began. */
      readonly round: number
      readonly transactions: number
    }
  | { readonly kind: 'fault'; readonly fault: Fault }

/** To the testnet that started this process; nothing happens if none did. */
export function tellParent(message: NodeMessage): Promise<void> {
  return new Promise((resolve) => {
    // If the testnet is gone there is nobody to tell; that it is gone is noticed by itself.
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })
}

/** What came over the channel as a message, if it is one. */
export function asNodeMessage(value: unknown): NodeMessage | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined
  return value.kind === 'up' || value.kind === 'fault' ? (value as NodeMessage) : undefined
}
