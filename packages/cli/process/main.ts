#!/usr/bin/env node
// The entry of `hearsay`. Decides whether this Node can run it, before anything is loaded that it might not understand, and where
// Node keeps what it has compiled: a second start takes a third of the processor time of a first.
import module from 'node:module'
import { join } from 'node:path'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  // In the user's own cache: what others can write to must not become code of a process that holds keys. Where nothing can be
  // written, Node goes on without.
  const { XDG_CACHE_HOME, HOME } = process.env
  const cache = XDG_CACHE_HOME ?? (HOME === undefined ? undefined : join(HOME, '.cache'))
  if (cache !== undefined) module.enableCompileCache(join(cache, 'hearsay', 'compiled'))
  const { run } = await import('./run.ts')
  await run(process.argv)
} else {
  process.stderr.write(
    `✖ E_NODE_TOO_OLD  Node ${process.versions.node} cannot run Hearsay: it needs 22.18 or later\n` +
      '  install a later Node, or run it with one: npx -y -p node@24 -p hearsay hearsay …\n',
  )
  process.exitCode = 69
}
