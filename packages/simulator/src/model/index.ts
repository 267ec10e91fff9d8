/** All interleavings of a small world of real members. */
export { type Budget, searchInterleavings, type SearchOptions, type SearchReport } from './search.ts'
