// The local HTTP API: one node, served to programs on the same machine. The server is loaded only by whoever starts one, so that
// a client that needs no more than the lines and shapes starts fast.
import type { Api, ApiOptions } from './server.ts'

export { createLineSplitter, type Line, type LineSplitter } from './lines.ts'
export type { ApiToken } from './access.ts'
export type { ApiPage, PageFile } from './page.ts'
export type { Api, ApiOptions } from './server.ts'

/** Listens and serves; rejects with an `ApiError` (`code`, `message`, `hint`, `exitCode`) if it cannot. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { startServer } = await import('./server.ts')
  return startServer(options)
}
