// stands at: packages/node/src/planted.ts
// breaks: async
export async function planted(source: AsyncIterable<number>): Promise<number> {
  let sum = 0
  for await (const each of source) sum += each // breaks: async
  const later = async (): Promise<number> => sum // breaks: async
  await import('./index.ts') // breaks: async async
  return later()
}
