// Decides which ports are free, and finds out who holds one that is not.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { LOOPBACK } from '../src/index.ts'

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Ports that are free now, as the system gives them. */
export async function firstFree(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen({ host: LOOPBACK, port: 0 }, () => resolve((server.address() as AddressInfo).port))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** The first of these ports that is in use. */
export async function firstBusy(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if (!(await isFree(port))) return port
  return undefined
}

interface PortOwner {
  readonly pid: number
  /** Its command line, shortened. */
  readonly command: string
}

/** Who listens on a port, as far as the system tells this user; Linux only. */
function ownerOf(port: number): PortOwner | undefined {
  const inodes = new Set([...listeners('/proc/net/tcp', port), ...listeners('/proc/net/tcp6', port)])
  if (inodes.size === 0) return undefined
  for (const entry of attempt(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(entry)) continue
    // Processes end while they are looked at, and those of other users do not show their files: both are passed over.
    const holds = (attempt(() => readdirSync(`/proc/${entry}/fd`)) ?? []).some((fd) => {
      const target = attempt(() => readlinkSync(`/proc/${entry}/fd/${fd}`))
      return target !== undefined && inodes.has(target)
    })
    if (holds) return { pid: Number(entry), command: commandOf(entry) }
  }
  return undefined
}

/** Sockets that listen on a port, as the targets of descriptors name them. */
function listeners(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = (attempt(() => readFileSync(table, 'utf8')) ?? '').split('\n').slice(1)
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((columns) => columns[3] === '0A' && columns[1]?.endsWith(suffix) === true)
    .map((columns) => `socket:[${columns[9]}]`)
}

function commandOf(pid: string): string {
  const words = (attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '')
    .split('\0')
    .filter(Boolean)
  const line = words.map(shortened).join(' ')
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}

const shortened = (word: string): string =>
  word.length > 32 && word.includes('/') ? `…/${word.split('/').slice(-2).join('/')}` : word

/** For reading what may be gone or not ours to see. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** `is already used by pid 4121 (node … testnet)` */
export function describeOwner(port: number): string {
  const owner = ownerOf(port)
  return owner === undefined ? 'is already in use' : `is already used by pid ${owner.pid} (${owner.command})`
}
