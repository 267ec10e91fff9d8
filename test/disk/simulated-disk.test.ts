// The simulated disk itself: it keeps what POSIX promises, and everything that may be lost is lost in some run.
import { createSimulatedDisk, type SimulatedDisk, type Survival } from '@hearsay/simulator'
import { expect, test } from 'vitest'
import { seeded } from '../seeded.ts'
import { caught } from './support.ts'

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

function put(disk: SimulatedDisk, fd: number, position: number, what: Uint8Array): number {
  return disk.write(fd, what, 0, what.length, position)
}

/** A file with 2,000 synced bytes of 1, 2,000 unsynced ones of 2 behind them and 500 unsynced ones of 3 over the first. */
function prepared(random: () => number): SimulatedDisk {
  const disk = createSimulatedDisk({ random })
  const fd = disk.open('/d/a', 'create')
  put(disk, fd, 0, bytes(2000, 1))
  disk.sync(fd)
  disk.syncDirectory('/d')
  put(disk, fd, 2000, bytes(2000, 2))
  put(disk, fd, 0, bytes(500, 3))
  return disk
}

function outcomes(survival: Survival, runs = 300): Set<string> {
  const found = new Set<string>()
  for (let seed = 1; seed <= runs; seed++) {
    const disk = prepared(seeded(seed))
    disk.powerCut(survival)
    const left = disk.contents().get('/d/a')!
    // What was synced and not written again is there, whatever happens.
    expect(left.subarray(512, 2000).every((byte) => byte === 1)).toBe(true)
    const tail = left.subarray(2000)
    const whole = tail.length === 2000 && tail.every((byte) => byte === 2)
    const state = tail.length === 0 ? 'lost' : whole ? 'whole' : tail.includes(0) ? 'holes' : 'cut'
    found.add(`${state}, ${left[0] === 3 ? 'overwritten' : 'old'}`)
  }
  return found
}

test('after a power cut: what was synced is there, of the rest everything that may happen happens', () => {
  expect(outcomes('all', 1)).toEqual(new Set(['whole, overwritten']))
  expect(outcomes('none', 1)).toEqual(new Set(['lost, old']))
  const inOrder = outcomes('prefix')
  for (const state of ['lost, old', 'cut, old', 'whole, overwritten']) expect(inOrder).toContain(state)
  for (const state of inOrder)
    expect(['lost, old', 'cut, old', 'whole, old', 'whole, overwritten']).toContain(state)
  // The later write without the earlier one, and torn ones.
  const any = outcomes('any')
  for (const state of ['lost, old', 'lost, overwritten', 'holes, overwritten', 'holes, old', 'whole, old'])
    expect(any).toContain(state)
})

test('names: not there until the directory is synced; a rename happens as a whole or not', () => {
  const found = new Set<string>()
  for (let seed = 1; seed <= 200; seed++) {
    const disk = createSimulatedDisk({ random: seeded(seed), contents: new Map([['/d/old', bytes(3, 1)]]) })
    const fd = disk.open('/d/new', 'create')
    put(disk, fd, 0, bytes(3, 2))
    disk.sync(fd)
    disk.syncDirectory('/elsewhere')
    disk.rename('/d/new', '/d/old')
    expect(disk.list('/d')).toEqual(['old'])
    disk.powerCut('any')
    found.add([...disk.contents()].map(([path, content]) => `${path}=${content[0]}`).join(' '))
  }
  const unchanged = '/d/old=1'
  expect(found).toEqual(new Set([unchanged, '/d/old=2', '/d/old=1 /d/new=2']))
})

test('a sync covers what was written before it began; after one that failed no other one does', () => {
  const disk = createSimulatedDisk({ random: seeded(1) })
  const fd = disk.open('/d/a', 'create')
  disk.syncDirectory('/d')
  put(disk, fd, 0, bytes(10, 1))
  const ticket = disk.beginSync(fd)
  put(disk, fd, 10, bytes(10, 2))
  disk.endSync(ticket)
  disk.setFaults({ syncError: 1 })
  expect(caught(() => disk.sync(fd))).toMatchObject({ code: 'EIO' })
  disk.setFaults({ syncError: 0 })
  disk.sync(fd)
  expect(disk.size(fd)).toBe(20)
  disk.powerCut('none')
  expect(disk.contents().get('/d/a')).toEqual(bytes(10, 1))
})

test('no space: a part is taken, then nothing, and what is there can be written again', () => {
  const disk = createSimulatedDisk({ random: seeded(1), faults: { capacityBytes: 100 } })
  const fd = disk.open('/d/a', 'create')
  expect(put(disk, fd, 0, bytes(70, 1))).toBe(70)
  expect(put(disk, fd, 70, bytes(70, 1))).toBe(30)
  expect(caught(() => put(disk, fd, 100, bytes(1, 1)))).toMatchObject({ code: 'ENOSPC' })
  expect(caught(() => disk.open('/d/b', 'create'))).toMatchObject({ code: 'ENOSPC' })
  expect(put(disk, fd, 90, bytes(10, 2))).toBe(10)
  disk.truncate(fd, 50)
  expect(put(disk, fd, 50, bytes(70, 3))).toBe(50)
})

test('errors, short operations, misplaced writes and rot, each as often as asked for', () => {
  const disk = createSimulatedDisk({ random: seeded(5) })
  const fd = disk.open('/d/a', 'create')
  put(disk, fd, 0, bytes(5000, 1))
  disk.setFaults({ readError: 1, writeError: 1 })
  expect(caught(() => put(disk, fd, 0, bytes(1, 1)))).toMatchObject({ code: 'EIO' })
  expect(caught(() => disk.read(fd, bytes(1, 0), 1, 0))).toMatchObject({ code: 'EIO' })
  disk.setFaults({ readError: 0, writeError: 0, shortWrite: 1, shortRead: 1 })
  expect(put(disk, fd, 0, bytes(5000, 1))).toBeLessThan(5000)
  expect(disk.read(fd, bytes(5000, 0), 5000, 0)).toBeLessThan(5000)
  disk.setFaults({ shortWrite: 0, shortRead: 0, misdirectedWrite: 1 })
  expect(put(disk, fd, 6000, bytes(600, 7))).toBe(600)
  const found = disk.contents().get('/d/a')!
  expect([found.length, found.subarray(6000).includes(7), found.includes(7)]).toEqual([6600, false, true])
  const rotten = disk.rot()!
  const changed = disk.contents().get('/d/a')!
  expect([...changed.keys()].filter((i) => changed[i] !== found[i])).toEqual([rotten.position])
})
