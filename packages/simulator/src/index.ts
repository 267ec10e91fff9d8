export * from './agenda.ts'
export * from './disk.ts'
export * from './fast-suite.ts'
export * from './theory/index.ts'
