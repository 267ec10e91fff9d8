// Compiled with the settings of a src: the compiler knows no clock, no randomness of the machine and no I/O there.
import { readFileSync } from 'node:fs' // refused
import { createMember } from '@hearsay/node'

setTimeout(() => {}, 1) // refused
setInterval(() => {}, 1) // refused
queueMicrotask(() => {}) // refused
process.exit(1) // refused
console.log(performance.now()) // refused
export const planted = [readFileSync, createMember, crypto.randomUUID(), fetch('/')] // refused
export const bytes: Buffer = new Uint8Array(1) // refused
