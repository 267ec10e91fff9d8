// Measures what the verifier weighs in a browser: bundled, minified, gzipped; and prints where the bytes are.
// Run: node scripts/bundle-sizes.ts, or with a file name to write the client's bundle there.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const bundles: readonly [string, string, RegExp[]][] = [
  ['@hearsay/client/verify', 'packages/client/src/verify.ts', []],
  ['@hearsay/client/verify without the signature library', 'packages/client/src/verify.ts', [/^@noble\//]],
  ['@hearsay/client', 'packages/client/web/index.ts', []],
]

for (const [name, entry, external] of bundles) {
  const bundle = await rolldown({ input: join(root, entry), external, platform: 'browser' })
  const { output } = await bundle.generate({ format: 'es', minify: true })
  await bundle.close()
  const bytes = Buffer.from(output[0].code)
  console.log(`${name}: ${bytes.length} bytes minified, ${gzipSync(bytes, { level: 9 }).length} gzipped`)
  if (name === '@hearsay/client' && process.argv[2] !== undefined) writeFileSync(process.argv[2], bytes)
}
