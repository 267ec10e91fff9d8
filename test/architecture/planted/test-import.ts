// stands at: packages/gossip/ws/planted.ts
import { harness } from '../../../test/transport/harness.ts' // breaks: test
import { other } from '@hearsay/test' // breaks: test undeclared

export const planted = [harness, other]
