/** What a member's suspicions say (liveness.ts): [target, sequence, epoch, version, target, …], the newest known of each suspect. */
import { decodeCbor, encodeCbor, type CborValue } from '@hearsay/dag'
import { MAX_RECORD_BYTES } from './records.ts'

/** Suspects in one record: about 24 bytes each. */
export const MAX_SUSPECTS = 12

/** Of one suspect, what the suspecting member knew of it. */
export interface Suspicion {
  readonly target: number
  readonly sequence: number
  readonly epoch: number
  readonly version: number
}

export function encodeSuspicions(suspicions: readonly Suspicion[]): Uint8Array {
  return encodeCbor(
    suspicions.flatMap(({ target, sequence, epoch, version }) => [target, sequence, epoch, version]),
  )
}

export function decodeSuspicions(content: Uint8Array): readonly Suspicion[] {
  const decoded = decodeCbor(content, { maxBytes: MAX_RECORD_BYTES })
  if (!decoded.ok || !Array.isArray(decoded.value)) return []
  const numbers = decoded.value as CborValue[]
  if (numbers.length % 4 !== 0 || numbers.length > 4 * MAX_SUSPECTS) return []
  if (!numbers.every((value) => typeof value === 'number' && value >= 0)) return []
  const suspicions: Suspicion[] = []
  for (let i = 0; i < numbers.length; i += 4) {
    const [target, sequence, epoch, version] = numbers.slice(i, i + 4) as [number, number, number, number]
    suspicions.push({ target, sequence, epoch, version })
  }
  return suspicions
}
