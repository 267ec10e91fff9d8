// Serves the page with one file to look at, on the loopback interface and to nobody else.
import { createReadStream, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { openPage } from './page.ts'

export interface FileServer {
  readonly url: string
  stop(): Promise<void>
}

const isOurs = (host: string | undefined): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/.test(host ?? '')

function sendFile(file: string, request: IncomingMessage, response: ServerResponse): void {
  const { size } = statSync(file)
  const [, from, to] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(request.headers.range ?? '') ?? []
  const start = Math.min(Number(from ?? 0), size)
  const end = to === undefined || to === '' ? size : Math.max(start, Math.min(size, Number(to) + 1))
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Length': end - start,
    'Cache-Control': 'no-store',
  }
  if (from === undefined) response.writeHead(200, headers)
  else response.writeHead(206, { ...headers, 'Content-Range': `bytes ${start}-${end - 1}/${size}` })
  if (start >= end) response.end()
  else
    createReadStream(file, { start, end: end - 1 })
      .on('error', () => response.destroy())
      .pipe(response)
}

export async function serveFile(file: string, title: string = basename(file), port = 0): Promise<FileServer> {
  statSync(file)
  const page = openPage({ nodes: [], control: null, file: { name: title, url: './file' } })
  const server = createServer((request, response) => {
    const refuse = (status: number, words: string): void => {
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
      response.end(`${words}\n`)
    }
    const path = (request.url ?? '').split('?')[0]!
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
    if (!isOurs(request.headers.host)) return refuse(403, 'not under this name')
    if (request.method !== 'GET') return refuse(405, 'only GET')
    if (path === '/explorer/file') return sendFile(file, request, response)
    if (!path.startsWith('/explorer/')) {
      response.writeHead(302, { Location: '/explorer/' })
      return void response.end()
    }
    page.find(path).then(
      (found) => {
        if (found === undefined) return refuse(404, `${path}: no such file`)
        response.writeHead(200, { 'Cache-Control': 'no-store', ...found.headers })
        response.end(found.bytes)
      },
      (error: unknown) => refuse(500, String(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port }, resolve)
  })
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${taken}/explorer/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
