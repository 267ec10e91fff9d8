// stands at: packages/gossip/ws/planted.ts
import { Command } from 'commander' // breaks: undeclared

export const planted = Command
