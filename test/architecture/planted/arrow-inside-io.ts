// stands at: packages/gossip/ws/planted.ts
// An I/O room has no more arrows than its package.
import { openJournal } from '@hearsay/node/disk' // breaks: arrow undeclared
import { createNativeSuite } from '@hearsay/dag/native'

export const planted = [openJournal, createNativeSuite, () => import('@hearsay/consensus')] // breaks: arrow undeclared
