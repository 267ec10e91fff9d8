// stands at: packages/node/process/planted.ts
import { nothing } from './nothing.ts' // breaks: unresolved
import { driver } from './driver' // breaks: unresolved

export const planted = (name: string): unknown => [nothing, driver, import(name)] // breaks: computed
