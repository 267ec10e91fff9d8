/**
 * Clients of a world: they submit at honest members, wait for receipts, and at the end of the storm hold everybody to what was
 * promised. A transaction that was taken in and whose member has not lost its memory since, and one that was gossiped, must
 * become final; one that was acknowledged must stand where it was said to stand, at every member.
 */
import type { Sent } from '../src/checks.ts'
import type { Machine } from './machine.ts'
import type { World } from './world.ts'

export interface Clients {
  start(): void
  /** One transaction at every honest member, by which it is seen whether everything moves again. */
  probe(): void
  /** What is not settled yet, in words; undefined: everything is. */
  unsettled(): string | undefined
  /** Reads the order back through the members' own API. */
  compareLogs(): Promise<void>
}

interface Held {
  readonly sent: Sent
  readonly machine: Machine
  readonly life: number
}

const PAGE = 500

export function startClients(world: World): Clients {
  const { scenario, checks } = world
  const random = world.random.stream('clients')
  const held: Held[] = []
  let count = 0

  const honest = (): Machine[] => world.machines.filter((machine) => !world.isLiar(machine.memberId))

  function submit(machine: Machine): void {
    const node = machine.node()
    if (node === undefined) return
    const name = `t${count++}`.padEnd(16, ' ')
    const [least, most] = scenario.load.sizeBytes
    const bytes = random.bytes(Math.max(16, random.integer(least, most)))
    for (let i = 0; i < 16; i++) bytes[i] = name.charCodeAt(i)
    const sent = checks.submitted(name, machine.memberId)
    if (sent === undefined) return
    const life = machine.lives()
    const result = node.submit(bytes)
    if (!result.ok) {
      sent.state = 'lost'
      world.mark(`refused: ${result.reason}`)
      return
    }
    held.push({ sent, machine, life })
    const { submission } = result
    submission.final.then(
      ({ position, timestamp }) => {
        if (machine.lives() === life) checks.final(sent, position, timestamp)
      },
      () => undefined,
    )
    watchGossip(sent, machine, life, submission.state)
  }

  function watchGossip(sent: Sent, machine: Machine, life: number, state: () => string): void {
    world.after(150, () => {
      if (machine.lives() !== life || sent.state !== 'taken') return
      if (state() === 'gossiped') sent.state = 'gossiped'
      else watchGossip(sent, machine, life, state)
    })
  }

  function next(): void {
    const meanMs = (1_000 * scenario.load.burst) / scenario.load.perSecond
    world.after(random.between(0.2, 1.8) * meanMs, () => {
      if (!world.isStorm()) return
      const machine = random.pick(honest())
      for (let i = 0; i < scenario.load.burst; i++) submit(machine)
      next()
    })
  }

  /** Whoever may have stopped for good: it lost its past, or its disk lies. */
  const isExcused = (machine: Machine): boolean => world.isSuspect(machine.memberId)

  function unsettled(): string | undefined {
    const rounds = checks.rounds()
    for (const machine of honest()) {
      if (isExcused(machine)) continue
      const view = machine.view()
      if (view === undefined)
        return `member ${machine.memberId} does not run (${machine.failure() ?? 'starting'})`
      if (view.round !== rounds) return `member ${machine.memberId} is in round ${view.round} of ${rounds}`
    }
    for (const { sent, machine, life } of held) {
      if (sent.state === 'final' || isExcused(machine)) continue
      const same = machine.lives() === life
      const ordered = checks.positionOf(sent.name) !== undefined
      if (same && machine.isRunning()) return `a transaction taken in by member ${sent.member} is not final`
      if (sent.state === 'gossiped' && !ordered)
        return `a transaction gossiped by member ${sent.member} is not ordered`
    }
    return undefined
  }

  async function compareLogs(): Promise<void> {
    const expected = checks.transactions()
    for (const machine of honest()) {
      const node = machine.node()
      if (node === undefined || isExcused(machine)) continue
      let from = 0
      let last = 0
      for (let page = await node.log(0, PAGE); page.length > 0; page = await node.log(from, PAGE)) {
        for (const { position, timestamp, bytes } of page) {
          if (position !== from)
            return checks.report('I1', `the log of member ${machine.memberId} skips position ${from}`)
          const name = String.fromCharCode(...bytes.subarray(0, 16))
          if (name !== expected[from])
            return checks.report(
              'I1',
              `the log of member ${machine.memberId} has another transaction at ${from}`,
            )
          if (timestamp <= last)
            return checks.report('I5', `the log of member ${machine.memberId} goes back in time at ${from}`)
          last = timestamp
          from += 1
        }
      }
      if (from !== expected.length)
        return checks.report(
          'I7',
          `the log of member ${machine.memberId} has ${from} of ${expected.length} transactions`,
        )
    }
  }

  return {
    start: next,
    probe: () => {
      world.after(300, () => {
        for (const machine of honest()) submit(machine)
      })
    },
    unsettled,
    compareLogs,
  }
}
