// Draws rates and finality over time. The figures are made of the graph itself, so they are the same for a file.
import uPlot from 'uplot'
import { series } from '../src/model/figures.ts'
import type { State } from '../src/view/state.ts'

const SPAN_MICROS = 120_000_000
const BUCKETS = 60
const EVERY_MS = 700

interface Charts {
  mount(element: HTMLElement | null): void
}

export function createCharts(state: State): Charts {
  let timer: ReturnType<typeof setInterval> | undefined
  let plots: uPlot[] = []
  let box: HTMLElement | undefined

  function lines(
    dark: boolean,
    names: readonly (readonly [string, string, string])[],
    title: string,
    unit: string,
  ): uPlot {
    const ink = dark ? '#aebaca' : '#47566a'
    const grid = { stroke: dark ? '#232b36' : '#e4e9ef', width: 1 }
    const axis = { stroke: ink, grid, ticks: { show: false }, font: '11px ui-monospace, monospace' }
    return new uPlot(
      {
        title,
        width: Math.max(260, box!.clientWidth - 8),
        height: 190,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'UTC'),
        series: [
          {
            value: (_, seconds) =>
              seconds === null ? '' : new Date(seconds * 1_000).toISOString().slice(11, 19),
          },
          ...names.map(([label, light, night], i) => ({
            label,
            stroke: dark ? night : light,
            width: 1.6,
            // Told apart by their dashes as well.
            dash: [[], [7, 3], [2, 3]][i] ?? [],
            spanGaps: true,
            value: (_: uPlot, value: number | null) => (value === null ? '–' : `${value.toFixed(1)} ${unit}`),
          })),
        ],
        axes: [axis, { ...axis, size: 52 }],
        cursor: { y: false },
      },
      [[], ...names.map(() => [])],
      box,
    )
  }

  function draw(): void {
    const store = state.store.value
    if (store === undefined || plots.length === 0) return
    const found = series(store, state.shown.value, SPAN_MICROS, BUCKETS)
    const data = (...columns: readonly (readonly (number | null)[])[]): uPlot.AlignedData =>
      [[...found.at], ...columns.map((column) => [...column])] as uPlot.AlignedData
    plots[0]!.setData(data(found.p50, found.p90, found.p99))
    plots[1]!.setData(data(found.eventsPerSecond, found.transactionsPerSecond))
    plots[2]!.setData(data(found.kibPerSecond))
  }

  function build(): void {
    for (const plot of plots) plot.destroy()
    const dark = state.isDark.value
    plots = [
      lines(
        dark,
        [
          ['p50', '#0072b2', '#56b4e9'],
          ['p90', '#8a5a00', '#e69f00'],
          ['p99', '#a8417f', '#e79cc7'],
        ],
        'Made to decided, by the members’ clocks',
        'ms',
      ),
      lines(
        dark,
        [
          ['events', '#007a5a', '#2fc79a'],
          ['transactions', '#8a5a00', '#e69f00'],
        ],
        'A second',
        '/s',
      ),
      lines(dark, [['signed events', '#3557c9', '#6fa8ff']], 'KiB a second', 'KiB/s'),
    ]
    draw()
  }

  return {
    mount: (element) => {
      clearInterval(timer)
      for (const plot of plots) plot.destroy()
      plots = []
      if (element === null) return
      box = element
      build()
      let dark = state.isDark.value
      timer = setInterval(() => {
        if (state.isDark.value !== dark) {
          dark = state.isDark.value
          build()
        } else draw()
      }, EVERY_MS)
    },
  }
}
