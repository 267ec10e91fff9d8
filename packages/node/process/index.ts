export * from './types.ts'
export { startNode } from './start.ts'
