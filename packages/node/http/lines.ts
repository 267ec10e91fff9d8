// Decides where a stream of bytes is cut into lines: at each newline byte, which belongs to no line; a last line without newline
// counts unless it is empty, so a final newline makes no extra line. Bytes are kept as they are. A line that is too long is
// reported without its bytes, so what is held never exceeds the limit.

export interface Line {
  /** Undefined if the line is longer than the limit. */
  readonly bytes: Uint8Array | undefined
}

export interface LineSplitter {
  /** The lines that this piece completes. They share no memory with it. */
  push(piece: Uint8Array): Line[]
  /** The line that the stream ended in, if any. */
  end(): Line | undefined
}

const NEWLINE = 10

export function createLineSplitter(maxLineBytes: number): LineSplitter {
  let parts: Uint8Array[] = []
  let held = 0
  let isOverlong = false

  const hold = (part: Uint8Array): void => {
    held += part.length
    if (held > maxLineBytes) {
      isOverlong = true
      parts = []
    } else if (part.length > 0) {
      parts.push(part.slice())
    }
  }
  const take = (): Line => {
    const line: Line = { bytes: isOverlong ? undefined : joined(parts, held) }
    parts = []
    held = 0
    isOverlong = false
    return line
  }

  return {
    push(piece) {
      const lines: Line[] = []
      let start = 0
      for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, start)) {
        hold(piece.subarray(start, at))
        lines.push(take())
        start = at + 1
      }
      hold(piece.subarray(start))
      return lines
    },
    end: () => (held === 0 ? undefined : take()),
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
