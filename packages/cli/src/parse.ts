/**
 * Decides what the values of arguments mean. What is not understood is an `InvalidArgumentError`, which names the argument when
 * it reaches the user.
 */
import { InvalidArgumentError } from 'commander'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface MemberArgument {
  readonly name: string
  /** 64 hexadecimal digits. */
  readonly publicKey: string
  readonly weight: number
}

/** Where a reading of the log begins, as the API takes it: a position, `round:N` or `end`. */
export type From = string

function wholeNumber(text: string, least: number, most: number, what: string): number {
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(what)
  return value
}

export const MAX_TESTNET = 16

export const parseMemberCount = (text: string): number =>
  wholeNumber(text, 1, MAX_TESTNET, `A whole number from 1 to ${MAX_TESTNET}.`)

export const parsePort = (text: string): number =>
  wholeNumber(text, 1, 65_535, 'A port number from 1 to 65535.')

export const parseLimit = (text: string): number =>
  wholeNumber(text, 0, Number.MAX_SAFE_INTEGER, 'A whole number from 0 on.')

/** `--exit-after 20tx` */
export const parseTransactionCount = (text: string): number =>
  wholeNumber(text.replace(/tx$/, ''), 1, Number.MAX_SAFE_INTEGER, 'A number of transactions, like 20tx.')

export function parseFrom(text: string): From {
  const [, round, number] = /^(round:)?(\d{1,16})$/.exec(text) ?? []
  if (number === undefined || !Number.isSafeInteger(Number(number)))
    throw new InvalidArgumentError('A position from 0 on, like 97, or a round, like round:13.')
  return `${round ?? ''}${Number(number)}`
}

/** `10s`, `500ms`, `2m`; a bare number is seconds. At most ten minutes. In milliseconds. */
export function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)?$/.exec(text) ?? []
  const valueMs = Number(digits) * (unit === 'ms' ? 1 : unit === 'm' ? 60_000 : 1_000)
  if (digits === undefined || valueMs < 1 || valueMs > 600_000)
    throw new InvalidArgumentError('A span of time up to ten minutes, like 10s, 500ms or 2m.')
  return valueMs
}

/** `host:port`, `[::1]:port` or a bare port of this machine. A leading `http://` is allowed, since that is what is printed. */
export function parseAddress(text: string): Address {
  const plain = text.replace(/^http:\/\//, '').replace(/\/$/, '')
  const [, host, digits] = /^(?:(\[[0-9a-fA-F:.]+\]|[^:/\s[\]@]+):)?(\d{1,5})$/.exec(plain) ?? []
  const port = Number(digits)
  if (digits === undefined || port < 1 || port > 65_535)
    throw new InvalidArgumentError('An address like 127.0.0.1:8740, or a port of this machine.')
  return { host: host?.replace(/^\[(.*)\]$/, '$1') ?? '127.0.0.1', port }
}

/** An address as it is written in URLs. */
export const formatAddress = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

/** `name:publickey` or `name:publickey:weight`; for options that may be given several times. */
export function collectMember(text: string, previous: readonly MemberArgument[]): readonly MemberArgument[] {
  const [name, publicKey, weight, ...rest] = text.split(':')
  if (name === undefined || !/^[a-z0-9-]{1,32}$/.test(name))
    throw new InvalidArgumentError('NAME:PUBLICKEY[:WEIGHT], a name of 1 to 32 of a-z, 0-9 and -.')
  if (publicKey === undefined || !/^[0-9a-fA-F]{64}$/.test(publicKey) || rest.length > 0)
    throw new InvalidArgumentError('NAME:PUBLICKEY[:WEIGHT], a public key of 64 hexadecimal digits.')
  const value =
    weight === undefined ? 1 : wholeNumber(weight, 1, 2 ** 50, 'A weight is a whole number from 1 on.')
  return [...previous, { name, publicKey: publicKey.toLowerCase(), weight: value }]
}

/** 64 hexadecimal digits, lower-case. */
export function parseSeed(text: string): string {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new InvalidArgumentError('64 hexadecimal digits.')
  return text.toLowerCase()
}

/** An event as people name it: its id, the beginning of it, or both ends of it as they are printed. */
export interface EventName {
  readonly text: string
  /** Lower-case hexadecimal digits. */
  readonly begin: string
  readonly end: string
}

/** `7795…4f` and `7795…4f.0` (the transaction's place in it) are what `submit` prints. */
export function parseEventName(text: string): EventName {
  const [, begin, end] =
    /^([0-9a-fA-F]{1,64})(?:(?:…|\.{2,3})([0-9a-fA-F]{1,64}))?(?:\.\d+)?$/.exec(text) ?? []
  if (begin === undefined)
    throw new InvalidArgumentError(
      'An id in hexadecimal digits, the beginning of one, or its ends, like 7795…4f.',
    )
  return { text, begin: begin.toLowerCase(), end: (end ?? '').toLowerCase() }
}

/** The ids that the name fits. */
export const matchEvents = ({ begin, end }: EventName, ids: readonly string[]): readonly string[] =>
  ids.filter((id) => id.startsWith(begin) && id.endsWith(end))

export const parsePosition = (text: string): number =>
  wholeNumber(text, 0, Number.MAX_SAFE_INTEGER, 'A position from 0 on.')

export const parseRound = (text: string): number =>
  wholeNumber(text, 1, Number.MAX_SAFE_INTEGER, 'A round from 1 on.')

export const parseEventCount = (text: string): number =>
  wholeNumber(text, 1, Number.MAX_SAFE_INTEGER, 'A number of events from 1 on.')

export const parseAmount = (text: string): number =>
  wholeNumber(text, 0, Number.MAX_SAFE_INTEGER, 'A whole number from 0 on.')

export const parseNetworkSize = (text: string): number =>
  wholeNumber(text, 2, 100_000, 'A whole number from 2 to 100000.')

export const parseFanout = (text: string): number =>
  wholeNumber(text, 1, 1_000, 'A whole number from 1 to 1000.')

export const parseRunCount = (text: string): number =>
  wholeNumber(text, 1, 1_000_000, 'A whole number from 1 to 1000000.')

function decimal(text: string, least: number, below: number, what: string): number {
  const value = Number(text)
  if (!/^\d{1,6}(\.\d{1,9})?$/.test(text) || value < least || value >= below)
    throw new InvalidArgumentError(what)
  return value
}

/** `0.25`; everything would be no share of anything. */
export const parseShare = (text: string): number =>
  decimal(text, 0, 1, 'A number from 0 to below 1, like 0.1.')

export const parseContacts = (text: string): number =>
  decimal(text, 0, 1_000, 'A number from 0 to below 1000, like 2.5.')
