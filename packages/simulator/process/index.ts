/** Worlds run here: with files, clocks and the network simulated, and everything else as in a real node. */
export { runScenario, type Outcome, type World } from './world.ts'
