// stands at: packages/consensus/src/planted.ts
export const fixed = { first: 0 } as const
// breaks: enum
export enum Planted {
  First,
}
