// stands at: packages/gossip/src/planted.ts
const later = (run: () => void): void => {
  setTimeout(run, 1) // breaks: global
  setInterval(run, 1) // breaks: global
  setImmediate(run) // breaks: global
  queueMicrotask(run) // breaks: global
  Promise.resolve().then(run) // breaks: global
}

export const planted = (clock: { setTimeout: (run: () => void) => void }): void => {
  later(() => clock.setTimeout(() => {}))
}
