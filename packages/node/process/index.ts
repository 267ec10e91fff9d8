export * from './types.ts'
export type { Application } from '../src/application.ts'
export { type ApplicationChannel, openApplication } from './application-channel.ts'
export { attachApplication, type RemoteApplication } from './remote-application.ts'
export { startNode } from './start.ts'
export { auditDirectories } from './audit.ts'
export { explainJournal } from './explained.ts'
export type { ExplainedJournal } from './explained.ts'
export { assembleNode } from './assembly.ts'
export type { AssembledNode, NodeWorld } from './assembly.ts'
export { createCertificateStore, type CertificateStore } from './certificate-store.ts'
export { systemClock, type Clock, type Timer } from './clock.ts'
export { createRepairServer, type RepairServer } from './repair-server.ts'
export type { NodeTransport } from './driver.ts'
export {
  createNode,
  type CreateNodeOptions,
  type EmbeddedNode,
  type FinalReceipt,
  type LogEntry,
  type LogOptions,
  NotFinalYet,
  type PendingReceipt,
  type SubmitOptions,
} from './create-node.ts'
