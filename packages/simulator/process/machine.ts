/**
 * One machine of a world: a simulated disk, clocks that may be wrong, a processor that takes time, and on it the real node, with
 * its real driver, journal, ledger, repairs and submissions. It can be cut off from power, stopped, paused and started again.
 */
import { peekEvent, type CryptoSuite, type Genesis } from '@hearsay/dag'
import {
  createMember,
  RECORD_EVENT,
  type Member,
  type MemberEffect,
  type MemberInput,
  type Moment,
  type OperatorError,
  type RunningNode,
} from '@hearsay/node'
import { assembleNode, type Clock, type Timer } from '@hearsay/node/process'
import type { Files } from '@hearsay/node/disk'
import type { Agenda } from '../src/agenda.ts'
import type { Checks } from '../src/checks.ts'
import { createSimulatedDisk, type SimulatedDisk, type Survival } from '../src/disk.ts'
import type { LinkEvent, Links } from '../src/links.ts'
import type { Random } from '../src/random.ts'
import type { MemberPlan } from '../src/scenario.ts'
import type { Trace } from '../src/trace.ts'
import { createProcessor } from '../src/processor.ts'
import { withoutWorld } from './poison.ts'

export interface MachineOptions {
  readonly index: number
  readonly memberId: number
  readonly plan: MemberPlan
  readonly genesis: Genesis
  readonly networkId: Uint8Array
  readonly secretKey: Uint8Array
  readonly suite: CryptoSuite
  readonly agenda: Agenda
  readonly random: Random
  readonly links: () => Links
  readonly memberOf: (machine: number) => number
  readonly checks: Checks
  readonly trace: Trace
  readonly mark: (name: string) => void
  /** Promises may have been settled: let those who wait for them go on before the next move. */
  readonly touch: () => void
  /** Nobody looks at what this one does: it is half of a liar. */
  readonly isLiar: boolean
  readonly mayStop: () => boolean
}

export interface Machine {
  readonly index: number
  readonly memberId: number
  readonly disk: SimulatedDisk
  isUp(): boolean
  isRunning(): boolean
  /** Why it stopped by itself, or did not start. */
  failure(): string | undefined
  boot(): void
  /** The process is gone, and with it what the disk did not keep. */
  crash(survival: Survival): void
  /** Ends the process politely. */
  stop(): void
  replaceDisk(contents: ReadonlyMap<string, Uint8Array>): void
  pause(forMs: number): void
  setStepMs(stepMs: number): void
  jumpClock(byMs: number): void
  wallMicros(): number
  /** From the links. */
  receive(event: LinkEvent): void
  node(): RunningNode | undefined
  view(): ReturnType<Member['view']> | undefined
  lives(): number
}

const EPOCH_MICROS = 1_800_000_000_000_000

export function createMachine(options: MachineOptions): Machine {
  const { index, memberId, plan, agenda, random, checks, trace } = options
  const self = options.genesis.members.find((each) => each.id === memberId)!
  let disk = newDisk(new Map())
  let life = 0
  let up = false
  let node: RunningNode | undefined
  let member: Member | undefined
  let onEvent: ((event: never) => void) | undefined
  let failure: string | undefined
  const processor = createProcessor(agenda, plan.stepMs)
  let jumpMs = 0
  /** The newest own event. */
  let ownKey = ''

  function newDisk(contents: ReadonlyMap<string, Uint8Array>): SimulatedDisk {
    const disk = createSimulatedDisk({ random: random.next, contents })
    disk.setFaults({ syncMs: plan.syncMs })
    return disk
  }

  const wallMicros = (): number =>
    Math.round(EPOCH_MICROS + (agenda.now() * plan.clockRate + plan.clockOffsetMs + jumpMs) * 1_000)
  const monotonicMs = (): number => 1_000 + agenda.now() * plan.clockRate

  function clockOf(ofLife: number): Clock {
    const cancelled = new WeakSet<object>()
    return {
      monotonicMs,
      wallMicros,
      setTimer: (delayMs, run) => {
        const timer = {}
        const due = (): void => {
          if (life === ofLife && !cancelled.has(timer)) {
            options.touch()
            run()
          }
        }
        // As in the runtime: never at once.
        agenda.after(Math.max(1, delayMs) / plan.clockRate, () => {
          if (life === ofLife && !cancelled.has(timer)) processor.run(due)
        })
        return timer as Timer
      },
      clearTimer: (timer) => {
        if (timer !== undefined) cancelled.add(timer)
      },
    }
  }

  function filesOf(ofLife: number): Files {
    const current = disk
    return {
      ...current,
      sync: (fd) => {
        processor.spend(current.syncMs())
        current.sync(fd)
      },
      syncData: (fd) => {
        options.touch()
        const ticket = current.beginSync(fd)
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        agenda.after(current.syncMs(), () => {
          if (life !== ofLife) return
          options.touch()
          processor.run(() => {
            options.touch()
            try {
              current.endSync(ticket)
              resolve()
            } catch (error) {
              reject(error as Error)
            }
          })
        })
        return promise
      },
    }
  }

  /** The member itself, watched: what it does is looked at before anybody carries it out. */
  function watched(ofLife: number, real: Member): Member {
    let started = false
    return {
      ...real,
      step: (input: MemberInput, now: Moment): readonly MemberEffect[] => {
        if (life !== ofLife) return []
        if (input.kind === 'start') started = true
        const effects = withoutWorld(() => {
          try {
            return real.step(input, now)
          } catch (error) {
            if (!options.isLiar)
              checks.report('I0', `member ${memberId}: ${(error as Error).stack ?? String(error)}`)
            throw error
          }
        })
        if (input.kind === 'replay' && input.recordKind === RECORD_EVENT && !options.isLiar)
          replayed(effects, input.bytes)
        // Durable: from here on others may have it.
        if (input.kind === 'durable' && !options.isLiar) checks.shown(ownKey)
        for (const effect of effects) inspect(effect, started)
        return effects
      },
    }
  }

  function replayed(effects: readonly MemberEffect[], bytes: Uint8Array): void {
    for (const effect of effects)
      if (effect.kind === 'replayed')
        checks.appended(index, bytes, effect.key, false, peekEvent(bytes).creator === memberId)
  }

  function inspect(effect: MemberEffect, started: boolean): void {
    switch (effect.kind) {
      case 'deliver':
        trace.number(index)
        trace.bytes(effect.block.hash)
        if (!options.isLiar) checks.delivered(index, effect.block)
        if (started) options.mark('round')
        return
      case 'append':
        if (options.isLiar || effect.recordKind !== RECORD_EVENT || effect.key === undefined) return
        return appended(effect.bytes, effect.key)
      case 'close': {
        if (options.isLiar) return
        const peer = options.links().peerOf(index, effect.link)
        if (peer !== undefined) checks.closedLink(memberId, options.memberOf(peer), effect.fault)
        return
      }
      case 'final':
      case 'gossiped':
      case 'fail':
        return options.touch()
      case 'serve':
        options.mark('repair served')
        return options.touch()
      default:
    }
  }

  function appended(bytes: Uint8Array, key: string): void {
    const isOwn = peekEvent(bytes).creator === memberId
    if (isOwn) ownKey = key
    checks.appended(index, bytes, key, true, isOwn)
  }

  function boot(): void {
    life += 1
    const ofLife = life
    up = true
    failure = undefined
    processor.reset()
    checks.restarted(index)
    options.touch()
    const cleanup: (() => void | Promise<void>)[] = []
    assembleNode(
      {
        dir: '/data',
        genesis: options.genesis,
        networkId: options.networkId,
        self,
        secretKey: options.secretKey,
        suite: options.suite,
        files: filesOf(ofLife),
        clock: clockOf(ofLife),
        random: random.next,
        randomBytes: random.bytes,
        narrate: (line) => {
          if (line.includes('unfinished bytes')) options.mark('torn tail')
        },
        createMember: (wishes) => {
          const real = watched(ofLife, createMember(wishes))
          member = real
          return real
        },
        openTransport: (handler) => {
          onEvent = handler as (event: never) => void
          return Promise.resolve(transportOf(ofLife))
        },
        segmentBytes: plan.segmentBytes,
      },
      cleanup,
    ).then(
      (running) => {
        if (life !== ofLife) return
        node = running
        options.links().start(index)
        void running.failed.then(({ code, message }) => {
          if (life === ofLife) failed(code, message)
        })
      },
      (error: unknown) => {
        if (life !== ofLife) return
        const known = error as Partial<OperatorError>
        failed(known.code ?? 'E_START', String(known.message ?? error))
      },
    )
  }

  function transportOf(ofLife: number) {
    const links = options.links()
    const mine = (): boolean => life === ofLife
    return {
      send: (link: number, frame: Uint8Array) => {
        if (mine()) links.send(index, link, frame)
      },
      bufferedBytes: (link: number) => (mine() ? links.bufferedBytes(index, link) : 0),
      close: (link: number, reason: string) => {
        if (mine()) links.close(index, link, reason)
      },
      counters: () => ({}),
      stop: () => {
        if (mine()) links.end(index, false)
        return Promise.resolve()
      },
    }
  }

  /** The node has stopped by itself: the process ends. */
  function failed(code: string, message: string): void {
    failure = code
    options.mark(`stopped: ${code}`)
    trace.number(code.length)
    if (!options.isLiar && !options.mayStop() && !isDiskTrouble(code))
      checks.report('I0', `member ${memberId} stopped by itself: ${code}: ${message}`)
    end('all')
  }

  const isDiskTrouble = (code: string): boolean => disk !== undefined && troubled && code !== 'E_INVARIANT'
  let troubled = false

  function end(survival: Survival): void {
    const wasUp = up
    up = false
    life += 1
    node = undefined
    member = undefined
    onEvent = undefined
    processor.reset()
    if (wasUp) options.links().end(index, survival !== 'all' && random.chance(0.7))
    disk.powerCut(survival)
  }

  return {
    index,
    memberId,
    get disk() {
      return {
        ...disk,
        setFaults: (faults: Parameters<SimulatedDisk['setFaults']>[0]) => {
          troubled = true
          disk.setFaults(faults)
        },
      }
    },
    isUp: () => up,
    isRunning: () => node !== undefined,
    failure: () => failure,
    boot,
    crash: end,
    stop: () => {
      if (node === undefined) return
      const ofLife = life
      options.touch()
      void node.stop().then(() => {
        if (life === ofLife) end('all')
      })
      node = undefined
    },
    replaceDisk: (contents) => void (disk = newDisk(contents)),
    pause: processor.pause,
    setStepMs: processor.setStepMs,
    jumpClock: (byMs) => void (jumpMs += byMs),
    wallMicros,
    receive: (event) => {
      const ofLife = life
      const memberId = event.kind === 'opened' || event.kind === 'closed' ? options.memberOf(event.from) : 0
      processor.run(() => {
        if (life !== ofLife || onEvent === undefined) return
        const told: unknown = memberId === 0 ? event : { ...event, memberId }
        onEvent(told as never)
      })
    },
    node: () => node,
    view: () => member?.view(),
    lives: () => life,
  }
}
