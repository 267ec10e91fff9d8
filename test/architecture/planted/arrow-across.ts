// stands at: packages/gossip/src/planted.ts
import { createEngine } from '@hearsay/consensus' // breaks: arrow undeclared
import '@hearsay/dag'

export * from '@hearsay/consensus' // breaks: arrow undeclared
export const planted = createEngine
