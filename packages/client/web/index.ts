// The client for browsers and Node. Everything that it touches of the world, requests and timers, is in this room.
export * from '../src/index.ts'
export * from './client.ts'
export * from './types.ts'
