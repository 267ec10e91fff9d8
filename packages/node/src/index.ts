export * from './api-types.ts'
export * from './config.ts'
export * from './api-json.ts'
