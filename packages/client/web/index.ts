// The client for browsers and Node. Everything that it touches of the world, requests, sockets and timers, is in this room.
export * from '../src/index.ts'
