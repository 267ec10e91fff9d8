// stands at: packages/consensus/src/planted.ts
export const planted = (): unknown[] => {
  console.log('hello') // breaks: global
  if (process.env['HOME'] === undefined) return [] // breaks: global
  const here = [globalThis, import.meta.url, fetch, require] // breaks: global global global global
  const process2 = { process: 1 }
  {
    const process = process2
    here.push(process)
  }
  return [...here, process, 'a'.localeCompare('b'), eval('1')] // breaks: global global global
}
