// Decides which node is asked: the one that answered last, and the next one when it does not answer or says that it cannot for now.
// A pause grows with every turn over all nodes, so that a network in trouble is not made worse.
import { ClientError } from './types.ts'

export interface Ask {
  readonly path: string
  readonly method?: 'GET' | 'POST'
  readonly body?: Uint8Array
  readonly accept?: string
  readonly signal: AbortSignal
  /** Statuses that are worth trying again, beside `AGAIN`. */
  readonly again?: readonly number[]
}

export interface Nodes {
  /** The first answer that is none of those worth trying again; rejects when the signal aborts, or at once if a node refuses. */
  ask(ask: Ask): Promise<Response>
  /** The node asked last is not to be asked next. */
  leave(): void
}

/** The request did not arrive in time, which is what a machine that is too busy says; too many; not now. */
const AGAIN: readonly number[] = [408, 429, 503]
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 2_000

export function createNodes(addresses: readonly string[], token: string | undefined): Nodes {
  if (addresses.length === 0) throw new TypeError('a client needs the address of a node')
  const bases = addresses.map((address) => address.replace(/\/+$/, ''))
  let current = 0
  const leave = (): void => {
    current = (current + 1) % bases.length
  }

  async function once({ path, method = 'GET', body, accept, signal }: Ask): Promise<Response> {
    const headers: Record<string, string> = {}
    if (token !== undefined) headers['Authorization'] = `Bearer ${token}`
    if (accept !== undefined) headers['Accept'] = accept
    if (body !== undefined) headers['Content-Type'] = 'application/octet-stream'
    return fetch(`${bases[current]}${path}`, {
      method,
      headers,
      signal,
      cache: 'no-store',
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    })
  }

  return {
    leave,
    async ask(wanted) {
      let fault: unknown
      for (let attempt = 0; ; attempt++) {
        wanted.signal.throwIfAborted()
        let waitMs = 0
        try {
          const response = await once(wanted)
          if (response.ok) return response
          fault = await problemOf(response)
          if (![...AGAIN, ...(wanted.again ?? [])].includes(response.status))
            throw new Refusal(fault as ClientError)
          waitMs = 1_000 * Number(response.headers.get('Retry-After') ?? 0)
        } catch (error) {
          if (error instanceof Refusal) throw error.problem
          if (wanted.signal.aborted) throw fault ?? error
          fault ??= error
        }
        leave()
        const turns = Math.floor((attempt + 1) / bases.length)
        const pauseMs =
          turns === 0 ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** turns) * (0.5 + Math.random())
        await pause(Math.max(pauseMs, turns === 0 ? 0 : waitMs), wanted.signal)
      }
    },
  }
}

/** A refusal that no other node would take back. */
class Refusal extends Error {
  readonly problem: ClientError

  constructor(problem: ClientError) {
    super(problem.message)
    this.problem = problem
  }
}

async function problemOf(response: Response): Promise<ClientError> {
  const text = await response.text()
  try {
    const { code, detail } = JSON.parse(text) as { code: string; detail: string }
    return new ClientError(code, detail, response.status)
  } catch {
    return new ClientError('E_HTTP', `status ${response.status}: ${text.slice(0, 200)}`, response.status)
  }
}

/** Resolves after a time, or at once when the signal aborts. */
export function pause(timeMs: number, signal: AbortSignal): Promise<void> {
  if (timeMs <= 0 || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, timeMs)
    signal.addEventListener('abort', end)
  })
}
