// Decides how a page for people is served beside the API: its files come from whoever starts the server, as they are, with the
// headers that they need. It asks for no token: what it shows, it asks the API for.
import type { ServerResponse } from 'node:http'
import { Problem } from './problem.ts'

export interface PageFile {
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
}

export interface ApiPage {
  /** `path` begins with `/explorer/`; undefined if there is no such file. */
  find(path: string): Promise<PageFile | undefined>
}

export const isPagePath = (path: string): boolean =>
  path === '/' || path === '/explorer' || path.startsWith('/explorer/')

export async function sendPage(
  page: ApiPage,
  method: string,
  path: string,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD')
    throw new Problem('E_METHOD', `${method} ${path}: only GET`, { Allow: 'GET' })
  if (!path.startsWith('/explorer/')) {
    response.writeHead(302, { Location: '/explorer/' })
    response.end()
    return
  }
  const file = await page.find(path)
  if (file === undefined) throw new Problem('E_NOT_FOUND', `${path}: no file of the page`)
  response.writeHead(200, { 'Content-Length': file.bytes.length, ...file.headers })
  response.end(file.bytes)
}
