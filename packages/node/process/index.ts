export * from './types.ts'
export { startNode } from './start.ts'
export { auditDirectories } from './audit.ts'
