// Decides how the log is followed over connections that break: each goes on where the one before ended, at whichever node answers;
// positions are the same on all, so nothing is missed and nothing comes twice. A connection that is silent for too long counts as
// broken (the node says every few seconds that it is there).
import type { Nodes } from './nodes.ts'
import { ClientError, type LogTransaction } from './types.ts'

const SILENCE_MS = 20_000

export async function* followLog(
  nodes: Nodes,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<LogTransaction> {
  let next = from
  while (!signal.aborted) {
    const silence = new AbortController()
    const over = AbortSignal.any([signal, silence.signal])
    let timer = setTimeout(() => silence.abort(), SILENCE_MS)
    try {
      const response = await nodes.ask({
        path: `/v1/log?from=${next}`,
        accept: 'text/event-stream',
        signal: over,
      })
      for await (const line of linesOf(response)) {
        clearTimeout(timer)
        timer = setTimeout(() => silence.abort(), SILENCE_MS)
        if (!line.startsWith('data: ')) continue
        const transaction = JSON.parse(line.slice('data: '.length)) as LogTransaction
        if (transaction.position < next)
          throw new ClientError('E_LOG_REPEATS', `position ${transaction.position} after ${next - 1}`, 0)
        next = transaction.position + 1
        yield transaction
      }
    } catch (error) {
      if (signal.aborted) return
      // What the node refuses it refuses again; what broke is tried again.
      if (error instanceof ClientError) throw error
    } finally {
      clearTimeout(timer)
      silence.abort()
    }
    nodes.leave()
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const lines = (rest + value).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } finally {
    // The connection is given up; whether that works makes no difference.
    reader.cancel().catch(() => undefined)
  }
}
