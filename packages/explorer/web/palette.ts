// Decides the colours: those of Okabe and Ito, which people tell apart who see few colours, in a form for each background.
// State is never told by colour alone: shape and fill say it as well.
export type Rgb = readonly [number, number, number]

const hex = (text: string): Rgb => [
  parseInt(text.slice(1, 3), 16) / 255,
  parseInt(text.slice(3, 5), 16) / 255,
  parseInt(text.slice(5, 7), 16) / 255,
]

/** 0 to 7 members, 14 branches and lies, 15 neutral. */
export function paletteFor(isDark: boolean): readonly Rgb[] {
  const members = isDark
    ? ['#56b4e9', '#e69f00', '#2fc79a', '#f0e442', '#6fa8ff', '#ff9a5c', '#e79cc7', '#c9d1d9']
    : ['#0072b2', '#b87400', '#007a5a', '#8a7d00', '#3557c9', '#c24a00', '#a8417f', '#444c56']
  const filler = Array.from({ length: 6 }, () => '#888888')
  return [...members, ...filler, isDark ? '#ff5c6c' : '#c3122f', isDark ? '#8b98a9' : '#6b7785'].map(hex)
}
