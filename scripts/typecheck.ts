// Type-checks every room with the types that the room is allowed: `src` folders see no clock and no Node.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const rooms = ['test', 'scripts']
for (const name of readdirSync(join(root, 'packages'))) {
  if (!existsSync(join(root, 'packages', name, 'package.json'))) continue
  rooms.push(join('packages', name))
  for (const room of readdirSync(join(root, 'packages', name))) {
    if (existsSync(join(root, 'packages', name, room, 'tsconfig.json')))
      rooms.push(join('packages', name, room))
  }
}
let failed = 0
for (const room of rooms) {
  const run = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', room], { cwd: root, stdio: 'inherit' })
  if (run.status !== 0) {
    failed += 1
    console.error(`type check failed in ${room}`)
  }
}
console.log(`${rooms.length - failed} of ${rooms.length} rooms type-check`)
process.exit(failed === 0 ? 0 : 1)
