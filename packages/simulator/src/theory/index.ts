/**
 * Theory: what epidemics, averages and samples are known to do, in closed form, against what they do here. Checks take a seed and
 * give measured and predicted figures with a tolerance; predictions are functions of their own.
 */
export { createRandom, type Random } from '../random.ts'
export { CHECKS } from './catalogue.ts'
export type { Check, Finding, Outcome, Size, Verdict } from './check.ts'
export { allowed, renderPage } from './page.ts'
export { drawPlot, figure, type Axis, type Plot, type Point, type Series } from './plot.ts'
export {
  coverageCurve,
  everyoneReached,
  fanoutFor,
  finalCoverage,
  type Mesh,
  type MeshForecast,
  type Mode,
  predictMesh,
  predictRounds,
  type Spread,
} from './predict.ts'
export {
  type EpidemicModel,
  type EpidemicOptions,
  type EpidemicReport,
  simulateEpidemic,
} from './epidemic.ts'
