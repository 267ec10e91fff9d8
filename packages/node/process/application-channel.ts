/**
 * The way to an application in another process: a command that is started and spoken to over its standard input and output, or an
 * address (`unix:/path`, `tcp:host:port`) at which it listens. One line a question, one line an answer, answers in order.
 */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import {
  answerFromJson,
  type ApplicationQuestion,
  MAX_APPLICATION_LINE_BYTES,
} from '../src/application-protocol.ts'

/** Fields of an answer; undefined if the application does not know the question. */
export type Answered = Readonly<Record<string, unknown>> | undefined

export interface ApplicationChannel {
  /** Rejects when the channel has ended, or ends because of this. */
  ask(question: ApplicationQuestion): Promise<Answered>
  /** Resolves with why it ended. */
  readonly ended: Promise<string>
  /** Ends it; a process that was started is given a moment to end by itself. */
  end(): void
  /** Of a process that was started here. */
  readonly pid: number | undefined
}

/** An application that is asked and says nothing for so long has failed. */
const ANSWER_MS = 60_000
/** After its input has ended. */
const GRACE_MS = 2_000

interface Asked {
  readonly id: number
  readonly resolve: (answered: Answered) => void
  readonly reject: (error: Error) => void
}

interface Ends {
  readonly input: Writable
  readonly output: Readable
  readonly close: () => void
  readonly pid: number | undefined
}

function createChannel({
  input,
  output,
  close,
  pid,
}: Ends): ApplicationChannel & { fail(why: string): void } {
  const asked: Asked[] = []
  const end = Promise.withResolvers<string>()
  let hasEnded = false
  let nextId = 1
  let timer: NodeJS.Timeout | undefined
  let held: Buffer[] = []
  let heldBytes = 0

  function fail(why: string): void {
    if (hasEnded) return
    hasEnded = true
    clearTimeout(timer)
    for (const each of asked.splice(0)) each.reject(new Error(why))
    end.resolve(why)
    close()
  }

  /** The oldest question is the one that is waited for. */
  function watch(): void {
    clearTimeout(timer)
    timer =
      asked.length === 0
        ? undefined
        : setTimeout(() => fail(`no answer for ${ANSWER_MS / 1_000} s`), ANSWER_MS)
  }

  function take(line: Buffer): void {
    if (hasEnded) return
    let json: unknown
    try {
      json = JSON.parse(line.toString('utf8'))
    } catch {
      return fail(`not JSON: ${line.toString('latin1', 0, 200)}`)
    }
    const answer = answerFromJson(json)
    if (answer.kind === 'failed') return fail(answer.why)
    const first = asked.shift()
    if (first === undefined || first.id !== answer.id)
      return fail(`an answer to ${answer.id} where ${first?.id ?? 'none'} was asked`)
    watch()
    first.resolve(answer.kind === 'unsupported' ? undefined : answer.fields)
  }

  output.on('data', (piece: Buffer) => {
    let rest = piece
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      const line = held.length === 0 ? rest.subarray(0, at) : Buffer.concat([...held, rest.subarray(0, at)])
      held = []
      heldBytes = 0
      rest = rest.subarray(at + 1)
      if (line.length > 0) take(line)
    }
    if (rest.length === 0) return
    held.push(rest)
    heldBytes += rest.length
    if (heldBytes > MAX_APPLICATION_LINE_BYTES) fail('a line that does not end')
  })
  output.on('end', () => fail('it has closed the connection'))
  output.on('error', (error) => fail(error.message))
  input.on('error', (error) => fail(error.message))

  return {
    pid,
    ended: end.promise,
    fail,
    end: () => fail('ended by the node'),
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (hasEnded) return reject(new Error('the connection has ended'))
        const id = nextId++
        asked.push({ id, resolve, reject })
        if (asked.length === 1) watch()
        input.write(`${JSON.stringify({ id, ...question })}\n`)
      }),
  }
}

export interface ApplicationSource {
  /** A command line, `unix:/path` or `tcp:host:port`. */
  readonly command: string
  /** For a command: `HEARSAY_APP_DIR` in its environment, where it may keep its state. */
  readonly dir: string
  /** What it writes to standard error. */
  readonly onLine: (line: string) => void
}

/** Resolves when there is somebody to ask; rejects if there is nobody. */
export function openApplication(source: ApplicationSource): Promise<ApplicationChannel> {
  const { command } = source
  const [, path] = /^unix:(.+)$/.exec(command) ?? []
  const [, host, port] = /^tcp:(.+):(\d{1,5})$/.exec(command) ?? []
  if (path !== undefined) return connectTo({ path })
  if (host !== undefined) return connectTo({ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) })
  return startCommand(source)
}

function connectTo(where: { path: string } | { host: string; port: number }): Promise<ApplicationChannel> {
  return new Promise((resolve, reject) => {
    const socket = connect(where)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.setNoDelay(true)
      resolve(createChannel({ input: socket, output: socket, close: () => socket.destroy(), pid: undefined }))
    })
  })
}

function startCommand({ command, dir, onLine }: ApplicationSource): Promise<ApplicationChannel> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      shell: true,
      // A group of its own: Ctrl-C is for the node, which then ends the application; and no child of a shell is left over.
      detached: true,
      env: { ...process.env, HEARSAY_APP_DIR: dir },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.once('error', reject)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.trim() !== '') onLine(line.trimEnd())
    })
    const close = (): void => {
      child.stdin.end()
      const overdue = setTimeout(() => killGroup(child.pid), GRACE_MS)
      child.once('exit', () => clearTimeout(overdue))
    }
    child.once('spawn', () => {
      const channel = createChannel({ input: child.stdin, output: child.stdout, close, pid: child.pid })
      child.once('exit', (code, signal) => channel.fail(`it has ended (${signal ?? `exit status ${code}`})`))
      resolve(channel)
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
