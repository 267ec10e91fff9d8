export * from './frames.ts'
export * from './gossip.ts'
export * from './options.ts'
