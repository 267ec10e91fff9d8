// Bundles the page: main.js with everything that is seen, engine.js with everything that is believed, and beside them the files
// that are served as they are. Run: node build/main.ts FOLDER
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const home = join(import.meta.dirname, '..')
const COPIED = ['index.html', 'style.css', 'icon.svg']

/** Other people's work that is in the bundles, with its licence. */
function thirdParty(modules: readonly string[]): string {
  const roots = new Map<string, string>()
  for (const id of modules) {
    const [, root, name] = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(realpathSync(id)) ?? []
    if (root !== undefined && name !== undefined) roots.set(name, root)
  }
  return [...roots]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, root]) => {
      const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
        string,
        string
      >
      const file = ['LICENSE', 'LICENSE.md', 'license']
        .map((each) => join(root, each))
        .find((each) => existsSync(each))
      const text = file === undefined ? '' : readFileSync(file, 'utf8').trim()
      return `${name} ${version} (${license})\n\n${text}\n`
    })
    .join('\n----\n\n')
}

async function bundle(entry: string, folder: string): Promise<string[]> {
  const built = await rolldown({
    cwd: home,
    input: { [entry]: join(home, 'web', `${entry}.ts`) },
    platform: 'browser',
    tsconfig: false,
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  })
  const { output } = await built.write({
    dir: folder,
    format: 'es',
    minify: true,
    entryFileNames: '[name].js',
  })
  await built.close()
  if (output.length !== 1) throw new Error(`${entry}: ${output.length} files, one was expected`)
  return output
    .flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []))
    .filter((id) => existsSync(id))
}

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('say where to: node build/main.ts FOLDER')
mkdirSync(folder, { recursive: true })
const modules = [...(await bundle('main', folder)), ...(await bundle('engine', folder))]
for (const file of COPIED) copyFileSync(join(home, 'web', file), join(folder, file))
writeFileSync(join(folder, 'third-party.txt'), thirdParty(modules))
