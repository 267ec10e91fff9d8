#!/usr/bin/env node
// The entry of `hearsay`. Decides whether this Node can run it, before anything is loaded that it might not understand.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  const { run } = await import('./run.ts')
  await run(process.argv)
} else {
  process.stderr.write(
    `✖ E_NODE_TOO_OLD  Node ${process.versions.node} cannot run Hearsay: it needs 22.18 or later\n` +
      '  install a later Node, or run it with one: npx -y -p node@24 -p hearsay hearsay …\n',
  )
  process.exitCode = 69
}
