// stands at: packages/common/src/index.ts -- breaks: vague
export const planted = 1
