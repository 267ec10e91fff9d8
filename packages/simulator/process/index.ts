/** Worlds run here: with files, clocks and the network simulated, and everything else as in a real node. */
export {
  readCase,
  runMany,
  serveRuns,
  type CaseFile,
  type Failure,
  type RunsOptions,
  type Summary,
} from './runs.ts'
export { runScenario, type Outcome, type World } from './world.ts'
