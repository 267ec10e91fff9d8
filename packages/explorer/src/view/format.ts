/** How figures, times and ids are written: the same in every place and language. */

const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`)

/** Time of day, UTC, of microseconds since the epoch. */
export function clock(micros: number): string {
  if (micros <= 0) return '–'
  const ms = Math.floor(micros / 1_000) % 86_400_000
  const seconds = Math.floor(ms / 1_000)
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60].map(two)
  return `${parts.join(':')}.${`${1_000 + (ms % 1_000)}`.slice(1)}`
}

/** With thin gaps between thousands. */
export function grouped(value: number): string {
  return `${Math.round(value)}`.replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

export const shortId = (id: string): string => (id.length <= 14 ? id : `${id.slice(0, 8)}…${id.slice(-4)}`)

export function figure(value: number | null, unit = ''): string {
  if (value === null) return '–'
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(digits)}${unit}`
}
