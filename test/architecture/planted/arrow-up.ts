// stands at: packages/consensus/src/planted.ts
// The order may not depend on who told you, and nobody knows who stands upon them.
import type { Gossip } from '@hearsay/gossip' // breaks: arrow undeclared
import type { Member } from '@hearsay/node' // breaks: arrow undeclared

export type Planted = Gossip | Member | import('@hearsay/gossip').Frame // breaks: arrow undeclared
