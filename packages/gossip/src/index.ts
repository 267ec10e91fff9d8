export * from './frames.ts'
export * from './gossip.ts'
