// Decides where words go: data to standard output, narration and faults to standard error; colours only where somebody looks.
import {
  createPaint,
  type CommonOptions,
  type Fault,
  faultJson,
  faultText,
  type Paint,
} from '../src/index.ts'

export interface Terminal {
  readonly isJson: boolean
  readonly isVerbose: boolean
  /** Whether somebody watches standard error, for lines that are written over. */
  readonly isWatched: boolean
  /** For standard output. */
  readonly paint: Paint
  /** For standard error. */
  readonly errorPaint: Paint
  /** Data: one line. Resolves when more can be taken. */
  out(line: string): Promise<void>
  /** Narration: one line. */
  say(line: string): void
  /** Narration that only `--verbose` wants. */
  detail(line: string): void
  /** A line that the next one replaces, if somebody watches; an empty one clears it. */
  progress(line: string): void
}

function isColoured(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '0') return true
  return stream.isTTY && TERM !== 'dumb'
}

// A reader that has seen enough (`| head`) is no fault; what else goes wrong with standard output is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

/** How the user calls the command: in a clone of the repository it is a script of the workspace. */
export const commandName: string =
  process.env['npm_lifecycle_event'] === undefined ? 'hearsay' : 'npx -y pnpm@12 -s hearsay'

export function createTerminal(options: CommonOptions): Terminal {
  const isWatched = process.stderr.isTTY && options.quiet !== true && options.json !== true
  let shown = ''
  const clear = (): string => {
    if (shown === '') return ''
    shown = ''
    return '\r\u001b[K'
  }
  const say = (line: string): void => {
    if (options.quiet !== true) process.stderr.write(`${clear()}${line}\n`)
  }
  return {
    isJson: options.json === true,
    isVerbose: options.verbose === true,
    isWatched,
    paint: createPaint(isColoured(process.stdout)),
    errorPaint: createPaint(isColoured(process.stderr)),
    out(line) {
      process.stderr.write(clear())
      if (process.stdout.write(`${line}\n`)) return Promise.resolve()
      return new Promise((resolve) => {
        process.stdout.once('drain', resolve)
      })
    },
    say,
    detail(line) {
      if (options.verbose === true) say(line)
    },
    progress(line) {
      if (!isWatched || line === shown) return
      // A terminal that does not know its width says 0.
      const width = process.stderr.columns > 1 ? process.stderr.columns - 1 : 79
      process.stderr.write(`${clear()}${line.slice(0, width)}`)
      shown = line
    },
  }
}

/** The last word: what failed, also when all other narration is unwanted. */
export function reportFault(terminal: Terminal, fault: Fault, error?: unknown): void {
  terminal.progress('')
  const text = terminal.isJson ? faultJson(fault) : faultText(fault, terminal.errorPaint)
  process.stderr.write(`${text}\n`)
  if (terminal.isVerbose && error instanceof Error) process.stderr.write(`${error.stack ?? String(error)}\n`)
}

/** Resolves when everything written so far has left the process. */
export async function flush(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((resolve) => {
      stream.write('', () => resolve())
    })
}
