export * from './disk.ts'
