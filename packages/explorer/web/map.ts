// Decides how the map is looked at and moved: what is in sight, what a wheel, a finger or a key does, and when a frame is due. A
// frame is drawn only if something has changed.
import { effect } from '@preact/signals'
import {
  createSceneMaker,
  eventAt,
  HEAD,
  NO_HIGHLIGHT,
  rowAt,
  type Highlight,
  type SceneMaker,
  type View,
} from '../src/model/scene.ts'
import { sightOf } from '../src/model/seeing.ts'
import type { GraphStore } from '../src/model/store.ts'
import { drawGround } from './ground.ts'
import type { State } from '../src/view/state.ts'
import { createFlat } from './flat.ts'
import { createGl, type Renderer } from './gl.ts'
import { paletteFor, type Rgb } from './palette.ts'

export interface GraphMap {
  mount(element: HTMLElement | null): void
  /** Brings an event into the middle. */
  show(index: number): void
  zoom(factor: number): void
  fit(): void
  /** Draws the next frame in any case. */
  wake(): void
  /** The whole graph is another one. */
  reset(): void
}

const LEAST_SCALE = 0.0004
const MOST_SCALE = 60

export function createMap(
  state: State,
  onClick: (index: number) => void,
  moveTo: (step: 'up' | 'down' | 'left' | 'right') => void,
): GraphMap {
  let element: HTMLElement | undefined
  let ground: HTMLCanvasElement | undefined
  let renderer: Renderer | undefined
  let maker: SceneMaker | undefined
  let makerOf: GraphStore | undefined
  let bottom = -1
  let isFollowing = true
  let isDirty = true
  let highlight: Highlight = NO_HIGHLIGHT
  let highlightOf = -1
  let size = { width: 0, height: 0 }
  let frames = 0
  let frameMs = 0

  const view = (): View => ({ ...size, bottom, scale: state.scale.value, shown: state.shown.value })
  const rowsInSight = (): number => (size.height - HEAD - 18) / state.scale.value

  function topRow(store: GraphStore): number {
    const { value: shown } = state.shown
    return shown === 0 ? 0 : shown >= store.count() ? store.maxRow() : store.rowOf(shown - 1)
  }

  function follow(store: GraphStore): void {
    if (!isFollowing) return
    const wanted = Math.max(-1, topRow(store) + 2 - rowsInSight())
    const far = wanted - bottom
    if (Math.abs(far) < 0.02) bottom = wanted
    else {
      // Glides where it is near, and is there at once where it is not.
      bottom = Math.abs(far) > rowsInSight() ? wanted : bottom + far * 0.35
      isDirty = true
    }
  }

  function look(store: GraphStore): void {
    const index = state.hovered.value >= 0 ? state.hovered.value : state.selectedIndex.value
    if (index !== highlightOf || index < 0) {
      const sight = index >= 0 && index < store.count() ? sightOf(store, index) : undefined
      highlightOf = index
      highlight = {
        selected: state.selectedIndex.value,
        hovered: state.hovered.value,
        ancestors: sight !== undefined && state.hovered.value >= 0 ? sight.ancestors : NO_HIGHLIGHT.ancestors,
        strong: sight?.strong ?? NO_HIGHLIGHT.strong,
      }
    }
    highlight = { ...highlight, selected: state.selectedIndex.value, hovered: state.hovered.value }
  }

  function frame(): void {
    requestAnimationFrame(frame)
    const store = state.store.value
    if (store === undefined || element === undefined || renderer === undefined || ground === undefined) return
    if (makerOf !== store) {
      makerOf = store
      maker = createSceneMaker(store)
      bottom = -1
      highlightOf = -1
      isDirty = true
    }
    if (!isDirty) return
    isDirty = false
    const began = performance.now()
    follow(store)
    look(store)
    const ratio = Math.min(2, devicePixelRatio)
    const { isDark } = state
    const palette = paletteFor(isDark.value)
    const back: Rgb = isDark.value ? [0.055, 0.067, 0.086] : [1, 1, 1]
    const scene = maker!.make(view(), highlight)
    drawGround({
      canvas: ground,
      store,
      scene,
      view: view(),
      ratio,
      isDark: isDark.value,
      marks: [...state.marks.value, ...state.faults.value].toSorted((a, b) => a.at - b.at),
    })
    renderer.draw(scene, size.width, size.height, ratio, palette, back)
    frames += 1
    frameMs += performance.now() - began
    element.dataset['frames'] = String(frames)
    element.dataset['frameMs'] = frameMs.toFixed(2)
    element.dataset['points'] = String(scene.pointCount)
    element.dataset['marks'] = state.faults.value.map(({ text }) => text).join('; ')
    element.dataset['lanes'] = String(store.lanes().length)
  }

  function place(event: { clientX: number; clientY: number }): [number, number] {
    const box = element!.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  function point(event: PointerEvent): number {
    const store = state.store.value
    return store === undefined ? -1 : eventAt(store, view(), ...place(event))
  }

  function zoomAt(factor: number, y: number): void {
    const row = rowAt(view(), y)
    state.scale.value = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, state.scale.value * factor))
    if (!isFollowing) bottom = row - (size.height - 18 - y) / state.scale.value
    isDirty = true
  }

  function pan(pixels: number): void {
    isFollowing = false
    bottom += pixels / state.scale.value
    const store = state.store.value
    if (
      store !== undefined &&
      bottom + rowsInSight() > topRow(store) + 2 + rowsInSight() * 0.1 &&
      state.play.value === 'live'
    )
      isFollowing = true
    bottom = Math.max(-rowsInSight() * 0.6, bottom)
    isDirty = true
  }

  function listen(target: HTMLElement): void {
    const fingers = new Map<number, number>()
    let moved = 0
    target.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault()
        if (event.ctrlKey || event.metaKey) zoomAt(Math.exp(-event.deltaY * 0.004), place(event)[1])
        else pan(-event.deltaY)
      },
      { passive: false },
    )
    target.addEventListener('pointerdown', (event) => {
      fingers.set(event.pointerId, event.clientY)
      moved = 0
      target.setPointerCapture(event.pointerId)
    })
    target.addEventListener('pointermove', (event) => {
      const before = fingers.get(event.pointerId)
      if (before === undefined) {
        const found = point(event)
        state.hovered.value = found
        target.style.cursor = found >= 0 ? 'pointer' : ''
        return
      }
      const others = [...fingers].filter(([id]) => id !== event.pointerId)
      if (others.length > 0) {
        const other = others[0]![1]
        const far = Math.abs(event.clientY - other)
        zoomAt(Math.max(0.8, Math.min(1.25, far / Math.max(20, Math.abs(before - other)))), place(event)[1])
      } else pan(event.clientY - before)
      moved += Math.abs(event.clientY - before)
      fingers.set(event.pointerId, event.clientY)
    })
    const up = (event: PointerEvent): void => {
      fingers.delete(event.pointerId)
      if (moved < 5 && event.type === 'pointerup') {
        const found = point(event)
        if (found >= 0) onClick(found)
      }
    }
    target.addEventListener('pointerup', up)
    target.addEventListener('pointercancel', up)
    target.addEventListener('pointerleave', () => (state.hovered.value = -1))
    target.addEventListener('keydown', (event) => {
      const steps = { ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'left', ArrowRight: 'right' } as const
      const step = steps[event.key as keyof typeof steps] as (typeof steps)[keyof typeof steps] | undefined
      if (step !== undefined) {
        event.preventDefault()
        moveTo(step)
      }
      if (event.key === 'PageUp' || event.key === 'PageDown') {
        event.preventDefault()
        pan((event.key === 'PageUp' ? 0.8 : -0.8) * size.height)
      }
      if (event.key === '+' || event.key === '=') zoomAt(1.3, size.height / 2)
      if (event.key === '-') zoomAt(1 / 1.3, size.height / 2)
    })
  }

  function mount(target: HTMLElement | null): void {
    if (target === null || target === element) return
    element = target
    target.tabIndex = 0
    target.setAttribute('role', 'application')
    target.setAttribute(
      'aria-label',
      'Event map: a lane a member, time upwards. Arrow keys go from event to event; the table panel says the same in words.',
    )
    ground = document.createElement('canvas')
    let canvas = document.createElement('canvas')
    target.append(ground, canvas)
    const wantsFlat = new URLSearchParams(location.search).has('flat')
    renderer = wantsFlat ? undefined : createGl(canvas)
    if (renderer === undefined) {
      canvas.remove()
      canvas = document.createElement('canvas')
      target.append(canvas)
      renderer = createFlat(canvas)
    }
    state.renderer.value = renderer.kind
    target.dataset['renderer'] = renderer.kind
    canvas.addEventListener('webglcontextlost', (event) => {
      // The graphics of the machine are gone: what is left draws on.
      event.preventDefault()
      canvas.remove()
      const plain = document.createElement('canvas')
      target.append(plain)
      renderer = createFlat(plain)
      isDirty = true
    })
    new ResizeObserver(([entry]) => {
      size = { width: entry!.contentRect.width, height: entry!.contentRect.height }
      isDirty = true
    }).observe(target)
    listen(target)
  }

  effect(() => {
    const { version, shown, scale, hovered, selectedIndex, marks, faults, isDark, store } = state
    void [
      version.value,
      shown.value,
      scale.value,
      hovered.value,
      selectedIndex.value,
      marks.value,
      faults.value,
      isDark.value,
      store.value,
    ]
    isDirty = true
  })
  requestAnimationFrame(frame)

  return {
    mount,
    show: (index) => {
      const store = state.store.value
      if (store === undefined) return
      isFollowing = false
      bottom = store.rowOf(index) - rowsInSight() * 0.55
      isDirty = true
    },
    zoom: (factor) => zoomAt(factor, size.height / 2),
    fit: () => {
      const store = state.store.value
      if (store === undefined) return
      isFollowing = state.play.value === 'live'
      state.scale.value = Math.max(LEAST_SCALE, Math.min(24, (size.height - HEAD - 30) / (topRow(store) + 4)))
      bottom = -1
      isDirty = true
    },
    wake: () => {
      isFollowing = true
      isDirty = true
    },
    reset: () => {
      isFollowing = true
      bottom = -1
      highlightOf = -1
      isDirty = true
    },
  }
}
