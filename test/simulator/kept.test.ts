/**
 * Worlds that once violated what is promised, as small as they would become, and why they did:
 *
 *  92, 397, 524, 753  a member had decided a round by branches that no event named which the others could link: they stayed
 *                     behind for ever, lacking nothing by their frontiers (gossip/src/repair.ts, "ahead by a round")
 *  218                a member that had just started waited for ever for answers that a link carried a minute late: who asks again is
 *                     answered over others as well (node/src/observer.ts)
 */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readCase, runScenario } from '@hearsay/simulator/process'
import { expect, test } from 'vitest'

const folder = fileURLToPath(new URL('./kept/', import.meta.url))
const files = readdirSync(folder)

test('there are some', () => {
  expect(files.length).toBeGreaterThanOrEqual(4)
})

test.each(files)('%s', async (file) => {
  const { violation } = await runScenario(readCase(`${folder}${file}`).scenario)
  expect(violation, `hearsay sim --replay test/simulator/kept/${file}`).toBeUndefined()
})
