/**
 * Runs synchronous work in which clocks and randomness throw: an application that used them would compute something else
 * on each member, and that would show only later, as a network that disagrees.
 */

function refuse(what: string): never {
  throw new Error(
    `an application must not use ${what}: every member computes it alone and must come to the same`,
  )
}

const TheDate = globalThis.Date

/** `Date` for given times works as ever; only "now" is refused. */
const DateWithoutNow = new Proxy(TheDate, {
  construct: (target, args, newTarget) =>
    args.length === 0
      ? refuse('the clock (new Date())')
      : (Reflect.construct(target, args, newTarget) as object),
  apply: () => refuse('the clock (Date())'),
  get: (target, name, receiver) =>
    name === 'now' ? () => refuse('the clock (Date.now)') : (Reflect.get(target, name, receiver) as unknown),
})

export function withoutClock<T>(work: () => T): T {
  const { random } = Math
  const { now } = performance
  Math.random = () => refuse('randomness (Math.random)')
  performance.now = () => refuse('the clock (performance.now)')
  globalThis.Date = DateWithoutNow
  try {
    return work()
  } finally {
    globalThis.Date = TheDate
    performance.now = now
    Math.random = random
  }
}
