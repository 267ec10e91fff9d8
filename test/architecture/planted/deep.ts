// stands at: packages/node/src/planted.ts
import { decodeEvent } from '../../dag/src/event.ts' // breaks: deep
import { merkleRoot } from '@hearsay/dag/src/merkle.ts' // breaks: deep
import { root } from '../../../scripts/typecheck.ts' // breaks: deep
import manifest from '../package.json' with { type: 'json' }

export const planted = [decodeEvent, merkleRoot, root, manifest]
