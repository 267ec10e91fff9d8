// What a crash could have left of a real run's disk: a small part of what scripts/crash-states.ts rebuilds.
import type { Files } from '@hearsay/node/disk'
import { createSimulatedDisk } from '@hearsay/simulator'
import { expect, test } from 'vitest'
import { runCrashStates } from './crash-states.ts'
import { createReenactment, type Operation, recordingFiles } from './recording.ts'
import { filesOf } from './simulated-files.ts'

/** Says that it is durable at once. */
const forgetful = (files: Files): Files => ({
  ...files,
  syncData: () => Promise.resolve(),
  sync: () => undefined,
})

test('a node comes back from what a crash could have left at any point of a real run', async () => {
  const { failures, states, ownEvents, rounds } = await runCrashStates({
    seed: 1,
    transactions: 300,
    states: 60,
  })
  expect(failures).toEqual([])
  expect(states).toBe(60)
  expect(ownEvents).toBeGreaterThan(10)
  expect(rounds).toBeGreaterThan(5)
}, 60_000)

test('a recording that leaves its syncs out is found out', async () => {
  const { failures } = await runCrashStates({ seed: 1, transactions: 300, states: 60, spoil: forgetful })
  expect(failures.length).toBeGreaterThan(0)
}, 60_000)

test('what is done again on a simulated disk gives the same contents', async () => {
  const operations: Operation[] = []
  const first = createSimulatedDisk({ random: () => 0.5 })
  const files = recordingFiles(filesOf(first), (operation) => operations.push(operation))
  const fd = files.open('/d/a', 'create')
  files.write(fd, Uint8Array.of(1, 2, 3, 4), 1, 4, 5)
  await files.syncData(fd)
  files.truncate(fd, 7)
  files.close(fd)
  files.close(files.open('/d/b', 'create'))
  files.remove('/d/b')
  files.syncDirectory('/d')
  const second = createSimulatedDisk({ random: () => 0.5 })
  const reenact = createReenactment(second)
  for (const operation of operations) reenact(operation)
  expect(second.contents()).toEqual(first.contents())
  second.powerCut('none')
  expect([...second.contents().keys()]).toEqual(['/d/a'])
})
