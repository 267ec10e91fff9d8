// stands at: packages/dag/src/planted.ts
export const planted = [
  Date.now(), // breaks: global
  new Date(), // breaks: global
  performance.now(), // breaks: global
  (Date: { now(): number }) => Date.now(),
]
