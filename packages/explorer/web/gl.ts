// Draws a scene with WebGL 2: two buffers, two draws. Points know their shape themselves, so a circle is round at any size.
import { END, HEAD, POINT, type Scene } from '../src/model/scene.ts'
import type { Rgb } from './palette.ts'

export interface Renderer {
  readonly kind: 'webgl2' | 'canvas'
  draw(scene: Scene, width: number, height: number, ratio: number, palette: readonly Rgb[], back: Rgb): void
}

const POINT_VERTEX = `#version 300 es
layout(location=0) in vec2 at; layout(location=1) in float radius; layout(location=2) in float kind;
layout(location=3) in float colour; layout(location=4) in float strength; layout(location=5) in float ring;
uniform vec2 size; uniform float ratio; uniform vec3 palette[16];
out vec3 tint; flat out float shape; out float alpha; out float pixels; flat out float marked;
void main() {
  gl_Position = vec4(at.x / size.x * 2. - 1., 1. - at.y / size.y * 2., 0., 1.);
  pixels = radius * ratio; tint = palette[int(colour)]; shape = kind; alpha = strength; marked = ring;
  gl_PointSize = (radius * 2. + 12.) * ratio;
}`
const POINT_FRAGMENT = `#version 300 es
precision highp float;
in vec3 tint; flat in float shape; in float alpha; in float pixels; flat in float marked;
uniform float ratio; uniform vec3 back;
out vec4 paint;
void main() {
  vec2 at = (gl_PointCoord - .5) * (pixels * 2. + 12. * ratio);
  float away = length(at); float edge = ratio * .7;
  float inside = smoothstep(pixels + edge, pixels - edge, away);
  float core = smoothstep(pixels * .52 + edge, pixels * .52 - edge, away);
  float rim = inside - smoothstep(pixels - 1.3 * ratio + edge, pixels - 1.3 * ratio - edge, away);
  vec4 colour = vec4(0.);
  if (shape < .5) colour = vec4(mix(back, tint, .45), inside);
  else if (shape < 1.5) colour = vec4(tint, inside);
  else if (shape < 2.5) colour = vec4(tint, max(core, rim)) + vec4(back, 1.) * 0.;
  else if (shape < 3.5) colour = vec4(vec3(.55), max(rim, 0.));
  else if (shape < 4.5) { float turn = fract(atan(at.y, at.x) / 6.2832 * 6.); colour = vec4(tint, rim * step(.4, turn)); }
  else { float cross = min(abs(at.x - at.y), abs(at.x + at.y)); colour = vec4(vec3(.55), inside * smoothstep(1.6 * ratio, .8 * ratio, cross)); }
  if (shape > 1.5 && shape < 4.5 && inside > colour.a) colour = vec4(mix(back, colour.rgb, colour.a), inside);
  if (marked > .5) {
    float far = pixels + (marked > 1.5 ? 4. : 3.) * ratio;
    float halo = smoothstep(1.2 * ratio, .5 * ratio, abs(away - far));
    vec3 line = marked > 1.5 ? tint : vec3(.6, .45, .9);
    if (halo > colour.a) colour = vec4(line, halo);
  }
  paint = vec4(colour.rgb, colour.a * alpha);
  if (paint.a < .01) discard;
}`
const LINE_VERTEX = `#version 300 es
layout(location=0) in vec2 at; layout(location=1) in float colour; layout(location=2) in float strength;
uniform vec2 size; uniform vec3 palette[16]; out vec4 tint;
void main() { gl_Position = vec4(at.x / size.x * 2. - 1., 1. - at.y / size.y * 2., 0., 1.); tint = vec4(palette[int(colour)], strength); }`
const LINE_FRAGMENT = `#version 300 es
precision highp float; in vec4 tint; out vec4 paint; void main() { paint = tint; }`

function program(gl: WebGL2RenderingContext, vertex: string, fragment: string): WebGLProgram {
  const made = gl.createProgram()
  for (const [type, text] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(type)!
    gl.shaderSource(shader, text)
    gl.compileShader(shader)
    gl.attachShader(made, shader)
  }
  gl.linkProgram(made)
  if (gl.getProgramParameter(made, gl.LINK_STATUS) !== true)
    throw new Error(`shader: ${gl.getProgramInfoLog(made) ?? ''}`)
  return made
}

function attributes(
  gl: WebGL2RenderingContext,
  buffer: WebGLBuffer,
  widths: readonly number[],
  total: number,
): WebGLVertexArrayObject {
  const array = gl.createVertexArray()
  gl.bindVertexArray(array)
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer)
  let offset = 0
  for (const [location, width] of widths.entries()) {
    gl.enableVertexAttribArray(location)
    gl.vertexAttribPointer(location, width, gl.FLOAT, false, 4 * total, 4 * offset)
    offset += width
  }
  return array
}

/** Undefined where there is no WebGL 2. */
export function createGl(canvas: HTMLCanvasElement): Renderer | undefined {
  const context = canvas.getContext('webgl2', { alpha: true, antialias: false, premultipliedAlpha: false })
  if (context === null) return undefined
  const gl = context
  const points = program(gl, POINT_VERTEX, POINT_FRAGMENT)
  const lines = program(gl, LINE_VERTEX, LINE_FRAGMENT)
  const pointBuffer = gl.createBuffer()
  const lineBuffer = gl.createBuffer()
  const pointArray = attributes(gl, pointBuffer, [2, 1, 1, 1, 1, 1], POINT)
  const lineArray = attributes(gl, lineBuffer, [2, 1, 1], END)
  gl.enable(gl.BLEND)
  gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA)

  function use(made: WebGLProgram, width: number, height: number, palette: readonly Rgb[]): void {
    gl.useProgram(made)
    gl.uniform2f(gl.getUniformLocation(made, 'size'), width, height)
    gl.uniform3fv(gl.getUniformLocation(made, 'palette'), palette.flat())
  }

  return {
    kind: 'webgl2',
    draw: (scene, width, height, ratio, palette, back) => {
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
      if (canvas.width !== w || canvas.height !== h) {
        canvas.width = w
        canvas.height = h
      }
      gl.viewport(0, 0, w, h)
      gl.clearColor(0, 0, 0, 0)
      gl.disable(gl.SCISSOR_TEST)
      gl.clear(gl.COLOR_BUFFER_BIT)
      // The line with the names stays free.
      gl.enable(gl.SCISSOR_TEST)
      gl.scissor(0, 0, w, h - Math.round(HEAD * ratio))
      use(lines, width, height, palette)
      gl.bindBuffer(gl.ARRAY_BUFFER, lineBuffer)
      gl.bufferData(gl.ARRAY_BUFFER, scene.lines.subarray(0, scene.lineCount * 2 * END), gl.STREAM_DRAW)
      gl.bindVertexArray(lineArray)
      gl.drawArrays(gl.LINES, 0, scene.lineCount * 2)
      use(points, width, height, palette)
      gl.uniform1f(gl.getUniformLocation(points, 'ratio'), ratio)
      gl.uniform3f(gl.getUniformLocation(points, 'back'), ...back)
      gl.bindBuffer(gl.ARRAY_BUFFER, pointBuffer)
      gl.bufferData(gl.ARRAY_BUFFER, scene.points.subarray(0, scene.pointCount * POINT), gl.STREAM_DRAW)
      gl.bindVertexArray(pointArray)
      gl.drawArrays(gl.POINTS, 0, scene.pointCount)
    },
  }
}
