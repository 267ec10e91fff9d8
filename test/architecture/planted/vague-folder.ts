// stands at: packages/dag/src/utils/bytes.ts -- breaks: vague
export const planted = 1
