/** What may happen in a simulated world. Apart from the rest, so that a command line knows them without loading a simulator. */
export const FAULT_KINDS = [
  'crash',
  'clock',
  'cut',
  'disk',
  'far',
  'image',
  'liars',
  'pause',
  'ring',
  'rough',
  'slow',
  'split',
  'stop',
  'swizzle',
  'thin',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]
