// Decides how a DAG interchange file is read, and what is told when it is none.
import { readFileSync } from 'node:fs'
import { CommandError, EXIT, faultInJson, type Place } from '../src/index.ts'

/** What `use` makes of the parsed file; `-` is standard input. What is wrong with the file is told with its place. */
export async function withInterchange<T>(file: string, use: (json: unknown) => T): Promise<T> {
  const name = file === '-' ? 'standard input' : file
  let text = file === '-' ? await readStandardInput() : readFileSync(file, 'utf8')
  const malformed = (error: unknown, place: Place | undefined): CommandError =>
    new CommandError(
      {
        code: 'E_MALFORMED',
        message: [
          name,
          ...(place === undefined ? [] : [`line ${place.line}, column ${place.column}`]),
          error instanceof Error ? error.message : String(error),
        ].join(': '),
        hint: 'the format is described in packages/consensus/spec/dag-interchange.md',
        exitCode: EXIT.corrupt,
      },
      { cause: error },
    )
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw malformed(error, faultInJson(text))
  }
  // Not to be held beside what was made of it.
  text = ''
  try {
    return use(json)
  } catch (error) {
    // A broken invariant is a fault of ours, everything else one of the file.
    if (error instanceof Error && error.message.startsWith('invariant')) throw error
    throw malformed(error, undefined)
  }
}

async function readStandardInput(): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of process.stdin as AsyncIterable<Uint8Array>) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}
