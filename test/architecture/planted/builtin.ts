// stands at: packages/gossip/src/planted.ts
import { readFileSync } from 'node:fs' // breaks: builtin
import { join } from 'path' // breaks: builtin
import { WebSocket } from 'ws' // breaks: builtin

export type Planted = import('node:net').Socket // breaks: builtin
export const planted = [readFileSync, join, WebSocket]
