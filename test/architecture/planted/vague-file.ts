// stands at: test/transport/helpers.ts -- breaks: vague
export const planted = 1
