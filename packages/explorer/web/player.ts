// Decides what part of time is shown: all of it as it comes, or the first so many events, standing still or moving on.
import type { State } from '../src/view/state.ts'
import type { GraphMap } from './map.ts'

export interface Player {
  play(): void
  pause(): void
  live(): void
  step(events: number): void
  seek(shown: number): void
  /** The event that a text means; undefined if it means nothing, index -1 if there is none. */
  find(text: string): { readonly index: number } | undefined
  /** The position in the log that a text means: a place, a consensus time, a round, an id; -1 if there is none. */
  findInLog(text: string): number
}

export function createPlayer(state: State, map: GraphMap): Player {
  let lastMs = 0
  let part = 0

  const count = (): number => state.store.value?.count() ?? 0

  function move(nowMs: number): void {
    if (state.play.value !== 'playing') return
    part += ((nowMs - lastMs) / 1_000) * state.speed.value
    lastMs = nowMs
    const whole = Math.floor(part)
    part -= whole
    const next = Math.min(count(), state.shown.value + whole)
    if (whole > 0) state.shown.value = next
    if (next >= count()) state.play.value = 'live'
    requestAnimationFrame(move)
  }

  function seek(shown: number): void {
    state.play.value = 'paused'
    state.shown.value = Math.max(Math.min(1, count()), Math.min(count(), Math.round(shown)))
    map.wake()
  }

  function findRound(round: number): number {
    const store = state.store.value!
    return store.roundRow(round)?.judges[0] ?? -1
  }

  /** Of a day, which is that of the newest event, in microseconds. */
  function microsOf(text: string): number {
    const store = state.store.value!
    const [, hours, minutes, seconds = '0'] = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$/.exec(text) ?? []
    if (hours === undefined || store.count() === 0) return -1
    const day = Math.floor(store.timeOf(store.count() - 1) / 86_400e6) * 86_400e6
    return day + (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1e6
  }

  function findTime(text: string): number {
    const at = microsOf(text)
    return at < 0 ? -1 : Math.max(0, state.store.value!.indexAtTime(at))
  }

  const player: Player = {
    play: () => {
      if (state.shown.value >= count()) state.shown.value = Math.min(1, count())
      state.play.value = 'playing'
      lastMs = performance.now()
      part = 0
      map.wake()
      requestAnimationFrame(move)
    },
    pause: () => void (state.play.value = 'paused'),
    live: () => {
      state.play.value = 'live'
      state.shown.value = count()
      map.wake()
    },
    step: (events) => seek(state.shown.value + events),
    seek,
    findInLog: (text) => {
      const store = state.store.value
      const wanted = text.trim()
      if (store === undefined) return -1
      if (/^#?\d+$/.test(wanted)) {
        const position = Number(wanted.replace('#', ''))
        return position < store.transactions() ? position : -1
      }
      if (/^\d{1,2}:\d{2}/.test(wanted)) return store.positionAtTime(microsOf(wanted))
      const index = player.find(wanted)?.index ?? -1
      return index < 0 ? -1 : store.positionOf(index)
    },
    find: (text) => {
      const store = state.store.value
      const wanted = text.trim().toLowerCase()
      if (store === undefined || wanted === '') return undefined
      const [, round] = /^(?:round[ :]*|r)(\d+)$/.exec(wanted) ?? []
      if (round !== undefined) return { index: findRound(Number(round)) }
      const [, position] = /^#(\d+)$/.exec(wanted) ?? []
      if (position !== undefined) {
        const order = store.orderOfPosition(Number(position))
        return { index: order < 0 ? -1 : store.ordered(order) }
      }
      if (/^\d{1,2}:\d{2}/.test(wanted)) return { index: findTime(wanted) }
      if (/^[0-9a-f]{4,64}$/.test(wanted)) return { index: store.findId(wanted.slice(0, 16)) }
      return undefined
    },
  }
  return player
}
