// stands at: packages/node/disk/planted.ts
import { startServer } from '../http/index.ts' // breaks: arrow
import { createMember } from '../src/index.ts'

export const planted = [startServer, createMember]
