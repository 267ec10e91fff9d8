export * from './api-types.ts'
export * from './config.ts'
