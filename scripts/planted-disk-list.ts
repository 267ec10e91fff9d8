/**
 * Defects of the kind that loses data or makes a member contradict itself, to be planted into a copy of the node: each has to be
 * found by scripts/power-cuts.ts. `from` stands exactly once in its file.
 *
 * Not here, because no run can tell: a tail that is cut off without a sync of its own (opening syncs the file anyway), and the
 * chain between records alone (while tails are cut off, no record can follow a foreign one); both are here together with
 * what they guard against.
 */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Planted {
  readonly name: string
  readonly changes: readonly Change[]
}

const writer = 'packages/node/disk/writer.ts'
const scan = 'packages/node/disk/scan.ts'
const journal = 'packages/node/disk/journal.ts'
const format = 'packages/node/src/record-format.ts'
const driver = 'packages/node/process/driver.ts'
const member = 'packages/node/src/member.ts'

function plant(
  name: string,
  ...changes: readonly (readonly [file: string, from: string, to: string])[]
): Planted {
  return { name, changes: changes.map(([file, from, to]) => ({ file, from, to })) }
}

const noCut = [journal, 'files.truncate(fd, tail.offset)', 'void fd'] as const

export const PLANTED: readonly Planted[] = [
  plant('a batch is not synced', [writer, 'await store.files.syncData(store.fd)', 'await Promise.resolve()']),
  plant('a full segment is not synced before the next one begins', [
    writer,
    '  syncNow(store, store.active.path, store.fd)\n  // The system reports',
    '  // The system reports',
  ]),
  plant('the header of a new segment is not synced', [
    writer,
    '    files.sync(fd)\n    files.syncDirectory(layout.directory)',
    '    files.syncDirectory(layout.directory)',
  ]),
  plant('the directory of a new segment is not synced', [
    writer,
    '    files.sync(fd)\n    files.syncDirectory(layout.directory)',
    '    files.sync(fd)',
  ]),
  plant('what a killed process left is believed without a sync', [
    journal,
    '    files.sync(fd)\n    files.syncDirectory(layout.directory)\n    return fd',
    '    return fd',
  ]),
  plant('acknowledged before it is durable', [
    driver,
    'await journal.sync()\n      ledger.settle(journal.durableEnd())\n    } catch',
    'journal.flush()\n      ledger.settle(journal.durableEnd())\n    } catch',
  ]),
  plant('a call shares a sync that runs already', [
    writer,
    'if (store.next !== null) return store.next\n  if (store.running === null)',
    'if (store.running !== null) return store.running\n  if (store.running === null)',
  ]),
  plant('sent before it is durable', [
    member,
    "    effects.push({ kind: 'sync', sequence: event.sequence })",
    "    gossip.push(event)\n    effects.push({ kind: 'sync', sequence: event.sequence })",
  ]),
  plant('synced before it is appended', [
    member,
    "    appendEvent(event)\n    effects.push({ kind: 'sync', sequence: event.sequence })",
    "    effects.push({ kind: 'sync', sequence: event.sequence })\n    appendEvent(event)",
  ]),
  plant('a failed sync is passed over', [
    writer,
    "    throw fail(store, path, 'fdatasync', error)",
    '    void error',
  ]),
  plant('a short write counts as a whole one', [
    writer,
    'chunk.written += n',
    'chunk.written = chunk.length',
  ]),
  plant('what did not fit is dropped', [
    writer,
    '      store.bufferedBytes -= chunk.written - before\n      throw',
    '      store.pending.shift()\n      throw',
  ]),
  plant('after no space it goes on one write too late', [
    writer,
    'chunk.position + chunk.written)\n    if (n === 0)',
    'chunk.position + chunk.written)\n    if (n < chunk.length - chunk.written) chunk.written += 1\n    if (n === 0)',
  ]),
  plant('the checksum of a payload is not checked', [
    scan,
    'if (!payloadIsSound(window.bytes, at, header, crc32)) return bad',
    'if (window.size < 0) return bad',
  ]),
  plant('the checksum of a record header is not checked', [
    format,
    'if (headerChecksum(bytes, at, seed) !== readU32(bytes, at)) return null',
    'if (headerChecksum(bytes, at, seed) === -1) return null',
  ]),
  plant('an unfinished end is not cut off', noCut),
  plant('an unfinished end is not cut off and the chain is not checked', noCut, [
    scan,
    'if (progress.chain !== undefined && header.previous !== progress.chain) {',
    'if (progress.chain === -1) {',
  ]),
  plant(
    'the cut is not synced, nor what was found',
    [journal, '    use(fd)\n    files.sync(fd)', '    use(fd)'],
    [
      journal,
      '    files.sync(fd)\n    files.syncDirectory(layout.directory)\n    return fd',
      '    return fd',
    ],
  ),
  plant('damage before the durable point is cut off like an unfinished end', [
    scan,
    'const witness = !incomplete && position > 0 ?',
    'const witness = !incomplete && position < 0 ?',
  ]),
  plant('an unfinished end with sound records in it is called damage', [
    scan,
    '> base + bad) return candidate',
    '>= 0) return candidate',
  ]),
  plant('records claim that all before them is durable', [
    writer,
    'Math.min(offset - store.durable, unknownDistance)',
    '0',
  ]),
  plant('no mark behind a sync', [writer, '  mark(store)\n}', '}']),
  plant('the ledger runs ahead of the journal', [
    'packages/node/process/ledger-store.ts',
    'if (each.journalEnd > durableEnd) break',
    '',
  ]),
  plant('own events of the journal are forgotten at a start', [
    member,
    'if (ownTip !== undefined && sequence < ownTip.sequence) return\n',
    'if (!started) return\n',
  ]),
]
