import { expect, test } from 'vitest'
import { faultInJson } from '../../packages/cli/src/index.ts'

test.each([
  ['', 1, 1],
  [' ', 1, 2],
  ['{"config": }', 1, 12],
  ['{"a":1,}', 1, 8],
  ['[1,]', 1, 4],
  ['[1 2]', 1, 4],
  ['{"a" 1}', 1, 6],
  ['{a:1}', 1, 2],
  ['[', 1, 2],
  ['{"a":[1,\n 2,\n\n x]}', 4, 2],
  ['"abc', 1, 5],
  ['"a\\x"', 1, 3],
  ['"a\nb"', 1, 3],
  ['[01]', 1, 3],
  ['[1.]', 1, 3],
  ['nul', 1, 1],
  ['1 2', 1, 3],
  ['[]]', 1, 3],
  ['{"a":1]', 1, 7],
  ['\ufeff{}', 1, 1],
])('%j goes wrong at line %i, column %i', (text, line, column) => {
  expect(() => JSON.parse(text) as unknown).toThrow()
  expect(faultInJson(text)).toEqual({ line, column })
})

test.each([
  '{}',
  ' [ ] ',
  '0',
  '-1.5e+3',
  'null',
  '{"a":{"b":[1,"x\\u00e9\\n",true]},"c":[]}\n',
  `"${'x'.repeat(100_000)}"`,
])('%j has no fault', (text) => {
  expect(faultInJson(text)).toBe(undefined)
})

// Where the two disagree one of them is wrong, and it is not the runtime.
test('agrees with the runtime on whether a text is JSON', () => {
  const whole = '{"a":[1,-2.5e3,"\\u00e9\\"",true,null,{}],"b":{"c":[[],[0]]}}'
  for (let at = 0; at < whole.length; at++)
    for (const put of ['', '"', ',', ':', ']', '}', '[', '0', ' ', 'e', '\\', '-'])
      for (const skip of [0, 1]) {
        const text = whole.slice(0, at) + put + whole.slice(at + skip)
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        expect([text, faultInJson(text) === undefined]).toEqual([text, isJson])
      }
})
