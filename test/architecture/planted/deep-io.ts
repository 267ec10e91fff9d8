// stands at: packages/node/process/planted.ts
export const planted = (): unknown => import('../../gossip/ws/link.ts') // breaks: deep
