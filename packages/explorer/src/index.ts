// What of the page is a function of its arguments: the graph, the scene, the check. For tests, benches and other drawings.
export { series, type Series } from './model/figures.ts'
export { createFrameReader, FILE_MAGIC, type FileHeader, type Frame, type Mark } from './model/frames.ts'
export type { Batch, ShownMember, ShownRound } from './model/messages.ts'
export { createSceneMaker, eventAt, laneXs, NO_HIGHLIGHT, yOf, type Scene, type View } from './model/scene.ts'
export { sightOf, type Sight } from './model/seeing.ts'
export { createStore, type GraphStore } from './model/store.ts'
export { openAbstract, type AbstractGraph } from './verify/abstract.ts'
export { createChecker, type Checker, type CheckerOptions } from './verify/checker.ts'
