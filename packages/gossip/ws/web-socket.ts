// Decides how ws is set up, alike on both sides. Its defaults are unsafe on an open port (frames of 100 MiB, 16,384 fragments).
import type { ClientOptions, ServerOptions } from 'ws'
import type { TransportLimits } from './limits.ts'

/** The version of the transport, not of the frames: those say their own in their first one. */
export const PATH = '/hearsay/1'

export interface FrameOptions {
  readonly maxPayload: number
  readonly maxFragments: number
  readonly maxBufferedChunks: number
  readonly perMessageDeflate: false
  readonly skipUTF8Validation: true
  readonly closeTimeout: number
}

export function frameOptions(limits: TransportLimits): FrameOptions & ServerOptions {
  return {
    maxPayload: limits.maxFrameBytes,
    maxFragments: limits.maxFrameFragments,
    maxBufferedChunks: limits.maxFrameChunks,
    perMessageDeflate: false,
    // A text frame closes the link whatever is in it.
    skipUTF8Validation: true,
    closeTimeout: limits.closeWithinMs,
  }
}

export function clientOptions(limits: TransportLimits): ClientOptions & { readonly maxHeaderSize: number } {
  return {
    ...frameOptions(limits),
    followRedirects: false,
    maxHeaderSize: limits.maxHeaderBytes,
    // RFC 6455 masks what a client sends so that a script in a browser cannot choose the bytes that a proxy on the way sees
    // (§10.3). Here TLS lies between, and no proxy sees any: the mask is zero, which spares both sides a pass over every byte.
    generateMask: (mask) => void mask.fill(0),
  }
}
