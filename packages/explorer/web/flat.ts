// Draws a scene without WebGL, on a plain canvas: the same picture for at most 1,500 events, of more the newest.
import { END, HEAD, KIND, POINT, type Scene } from '../src/model/scene.ts'
import type { Renderer } from './gl.ts'
import type { Rgb } from './palette.ts'

const MOST_POINTS = 1_500
const MOST_LINES = 6_000
/** One path of many lines costs more than its parts. */
const LINES_A_PATH = 64

const css = ([r, g, b]: Rgb, strength: number): string =>
  `rgba(${Math.round(r * 255)},${Math.round(g * 255)},${Math.round(b * 255)},${strength})`

export function createFlat(canvas: HTMLCanvasElement): Renderer {
  const pen = canvas.getContext('2d')!
  function drawLines({ lines, lineCount }: Scene, palette: readonly Rgb[]): void {
    let style = ''
    let inPath = 0
    for (let i = Math.max(0, lineCount - MOST_LINES); i < lineCount; i++) {
      const at = 2 * END * i
      const next = css(palette[lines[at + 2]!]!, Math.round(lines[at + 3]! * 20) / 20)
      if (next !== style || inPath === LINES_A_PATH) {
        if (inPath > 0) pen.stroke()
        pen.beginPath()
        pen.strokeStyle = next
        style = next
        inPath = 0
      }
      pen.moveTo(lines[at]!, lines[at + 1]!)
      pen.lineTo(lines[at + 4]!, lines[at + 5]!)
      inPath += 1
    }
    if (inPath > 0) pen.stroke()
  }
  function drawPoints({ points, pointCount }: Scene, palette: readonly Rgb[], back: Rgb): void {
    for (let i = Math.max(0, pointCount - MOST_POINTS); i < pointCount; i++) {
      const at = POINT * i
      const [x, y, radius, kind] = points.subarray(at, at + 4) as unknown as [number, number, number, number]
      const colour = css(palette[points[at + 4]!]!, points[at + 5]!)
      pen.beginPath()
      pen.arc(x, y, radius, 0, 7)
      pen.strokeStyle = kind === KIND.notFamous || kind === KIND.stale ? '#8a8a8a' : colour
      pen.fillStyle = kind === KIND.ordered || kind === KIND.famous ? colour : css(back, 1)
      pen.fill()
      pen.setLineDash(kind === KIND.open ? [3, 2] : [])
      pen.stroke()
      pen.setLineDash([])
      if (points[at + 6]! > 0) {
        pen.beginPath()
        pen.arc(x, y, radius + 4, 0, 7)
        pen.stroke()
      }
    }
  }
  return {
    kind: 'canvas',
    draw: (scene, width, height, ratio, palette, back) => {
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
      if (canvas.width !== w || canvas.height !== h) {
        canvas.width = w
        canvas.height = h
      }
      pen.setTransform(ratio, 0, 0, ratio, 0, 0)
      pen.clearRect(0, 0, width, height)
      pen.save()
      pen.beginPath()
      pen.rect(0, HEAD, width, height - HEAD)
      pen.clip()
      drawLines(scene, palette)
      drawPoints(scene, palette, back)
      pen.restore()
    },
  }
}
