/**
 * While a world moves, nothing in it may ask the machine that it runs on what time it is, draw a random number or set a timer: all
 * of these throw. They are put in the way once, and are switched on and off around each move.
 */

let forbidden = false
let installed = false

const guard =
  <A extends unknown[], R>(name: string, real: (...args: A) => R) =>
  (...args: A): R => {
    if (forbidden) throw new Error(`invariant: ${name} was called inside a simulated world`)
    return real(...args)
  }

function install(): void {
  if (installed) return
  installed = true
  const world = globalThis as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'])
    world[name] = guard(name, world[name]!)
  Math.random = guard('Math.random', Math.random)
  performance.now = guard('performance.now', performance.now.bind(performance))
  crypto.getRandomValues = guard('crypto.getRandomValues', crypto.getRandomValues.bind(crypto)) as never
  crypto.randomUUID = guard('crypto.randomUUID', crypto.randomUUID.bind(crypto))
  const RealDate = Date
  globalThis.Date = new Proxy(RealDate, {
    apply: guard('Date', (_target, _self, _args: unknown[]) => RealDate()),
    construct: guard('Date', (_target, args: unknown[]) => Reflect.construct(RealDate, args) as object),
    get: (target, property, receiver) => {
      if (forbidden && property === 'now')
        throw new Error('invariant: Date.now was called inside a simulated world')
      return Reflect.get(target, property, receiver) as unknown
    },
  })
}

/** Runs one move of a world without clocks, timers and randomness. */
export function withoutWorld<T>(move: () => T): T {
  install()
  if (forbidden) return move()
  forbidden = true
  try {
    return move()
  } finally {
    forbidden = false
  }
}
