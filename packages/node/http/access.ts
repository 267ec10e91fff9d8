// Decides who may do what where tokens are asked for: a bearer token has a role, and a role has what the ones below it have.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from './problem.ts'
import type { Role } from './routes.ts'

/** The token itself is not kept, only its hash. */
export interface ApiToken {
  readonly name: string
  readonly role: Exclude<Role, 'none'>
  /** SHA-256 of the token's text, hexadecimal. */
  readonly sha256: string
}

const RANKS: Readonly<Record<Role, number>> = { none: 0, read: 1, submit: 2, admin: 3 }

export type Access = (headers: IncomingHttpHeaders, wanted: Role) => void

/** Without tokens everybody who gets as far as here may do everything: the API then listens on the loopback interface only. */
export function createAccess(tokens: readonly ApiToken[] | undefined): Access {
  if (tokens === undefined) return () => undefined
  const known = tokens.map(({ role, sha256 }) => ({ role, hash: Buffer.from(sha256, 'hex') }))
  return (headers, wanted) => {
    if (wanted === 'none') return
    const [, token] = /^Bearer ([\x21-\x7e]{1,256})$/.exec(headers.authorization ?? '') ?? []
    if (token === undefined)
      throw new Problem('E_TOKEN_NEEDED', 'send the header Authorization: Bearer TOKEN', {
        'WWW-Authenticate': 'Bearer',
      })
    const hash = createHash('sha256').update(token).digest()
    // All are looked at, so the time tells nothing about which one it was.
    const found = known.filter((each) => each.hash.length === hash.length && timingSafeEqual(each.hash, hash))
    const role = found[0]?.role
    if (role === undefined)
      throw new Problem('E_TOKEN_NEEDED', 'the token is not known here', { 'WWW-Authenticate': 'Bearer' })
    if (RANKS[role] < RANKS[wanted])
      throw new Problem('E_ROLE', `the token may ${role}, and this asks for one that may ${wanted}`)
  }
}
