// Decides who may talk to the API at all. A browser on this machine can be made to send requests here by any page it shows, so a
// request must name a host that is ours (against DNS rebinding) and must not come from another origin's page (against forged
// requests). Only origins that the operator has named are let in as
// well. A program that is no browser sends no Origin and is not concerned.
import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from './problem.ts'

/** What stands in `Host` without its port, lower-case; undefined if it is not of that form. */
function hostName(host: string): string | undefined {
  const form = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host)
  return form?.[1]?.toLowerCase()
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

export const isLoopback = (host: string): boolean =>
  LOOPBACK.includes(host.toLowerCase()) || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)

/** Gives the origin of an allowed foreign page, undefined for everybody else who is let in. */
export type Guard = (
  method: string,
  headers: IncomingHttpHeaders,
  hosts: readonly string[] | undefined,
) => string | undefined

/** `allowedHosts` are names or addresses without port, beside those of the loopback interface. */
export function createGuard(allowedHosts: readonly string[], allowedOrigins: readonly string[] = []): Guard {
  const origins = new Set(allowedOrigins.map((origin) => origin.toLowerCase()))
  const allowed = new Set([
    ...LOOPBACK,
    ...allowedHosts.map((host) => {
      const name = host.toLowerCase()
      return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name
    }),
  ])
  return (method, headers, hosts) => {
    if (hosts?.length !== 1) throw new Problem('E_FOREIGN_HOST', 'a request needs exactly one Host header')
    const host = hosts[0]!
    const name = hostName(host)
    if (name === undefined || !allowed.has(name))
      throw new Problem(
        'E_FOREIGN_HOST',
        `the host ${JSON.stringify(host)} is not one of ${[...allowed].join(', ')}`,
      )
    const origin = headers.origin
    if (origin !== undefined && origins.has(origin.toLowerCase())) return origin
    if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
      throw new Problem('E_FOREIGN_ORIGIN', `the origin ${JSON.stringify(origin)} is not this server`)
    // Not every request of a foreign page carries an Origin (an image, a script), but browsers mark them. Following a link is
    // harmless: the page that has the link does not get to see the answer.
    const site = headers['sec-fetch-site']
    const isLink = headers['sec-fetch-mode'] === 'navigate' && (method === 'GET' || method === 'HEAD')
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isLink)
      throw new Problem('E_FOREIGN_ORIGIN', `the request comes from a page of another site (${String(site)})`)
    return undefined
  }
}
