/**
 * Finds the place where a text stops being JSON. The runtime's parser says that it does, but not always where; this is asked only
 * then, so it is plain and not fast.
 */

export interface Place {
  /** Both from 1. */
  readonly line: number
  readonly column: number
}

const SPACE = /[ \t\r\n]*/y
// Strings are taken in pieces: one pattern for all of a long string would need as much stack as it has characters.
const STRING_PIECE = /[ !#-[\]-\uffff]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

/** Where the string that begins at `at` ends; or where it goes wrong, as a negative number less one. */
function endOfString(text: string, at: number): number {
  let here = at + 1
  for (;;) {
    if (text[here] === '"') return here + 1
    const next = endOf(STRING_PIECE, text, here)
    if (next === here) return -here - 1
    here = next
  }
}

/** What may come next: a value, a value or the end of a list, a key, a key or the end of an object, or what follows a value. */
type Expected = 'value' | 'first' | 'key' | 'first-key' | 'after'

/** Undefined if the text is JSON. */
export function faultInJson(text: string): Place | undefined {
  const open: string[] = []
  let expected: Expected = 'value'
  let at = endOf(SPACE, text, 0)
  const skip = (next: number): void => {
    at = endOf(SPACE, text, next)
  }
  while (at < text.length || expected !== 'after' || open.length > 0) {
    const character = text[at]
    if (expected === 'after') {
      const isList = open.at(-1) === '['
      if (open.length === 0) break
      if (character === ',') expected = isList ? 'value' : 'key'
      else if (character === (isList ? ']' : '}')) open.pop()
      else break
      skip(at + 1)
    } else if (character === (expected === 'first' ? ']' : expected === 'first-key' ? '}' : '')) {
      open.pop()
      expected = 'after'
      skip(at + 1)
    } else if (character === '"') {
      const end = endOfString(text, at)
      if (end < 0) return placeOf(text, -end - 1)
      skip(end)
      if (expected === 'key' || expected === 'first-key') {
        if (text[at] !== ':') break
        skip(at + 1)
        expected = 'value'
      } else {
        expected = 'after'
      }
    } else if (expected === 'key' || expected === 'first-key') {
      break
    } else if (character === '{' || character === '[') {
      open.push(character)
      expected = character === '{' ? 'first-key' : 'first'
      skip(at + 1)
    } else {
      const end = endOf(SCALAR, text, at)
      if (end === at) break
      skip(end)
      expected = 'after'
    }
  }
  return at >= text.length && expected === 'after' && open.length === 0 ? undefined : placeOf(text, at)
}

function placeOf(text: string, at: number): Place {
  const before = text.slice(0, at)
  const lastBreak = before.lastIndexOf('\n')
  return { line: before.split('\n').length, column: at - lastBreak }
}
