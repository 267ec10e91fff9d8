// stands at: packages/node/disk/planted.ts
export function planted(run: () => void): void {
  try {
    run()
  } catch {} // breaks: catch
  try {
    run()
  } catch {
    // What cannot run need not.
  }
}
