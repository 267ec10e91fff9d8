// stands at: packages/consensus/disk/planted.ts -- breaks: room
export const planted = 1
