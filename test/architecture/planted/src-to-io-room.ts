// stands at: packages/node/src/planted.ts
import { openJournal } from '../disk/index.ts' // breaks: arrow
import type { Links } from '@hearsay/gossip/ws' // breaks: arrow
import { createNativeSuite } from '@hearsay/dag/native' // breaks: arrow
import { createMember } from './index.ts'

export const planted: readonly unknown[] = [openJournal, createNativeSuite, createMember] satisfies Links[]
