/** Reads the repository into memory, so that a planted file can be added to it without being written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Manifest {
  readonly name: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export interface Tree {
  /** Path from the root, with `/` → text of the source. */
  readonly sources: ReadonlyMap<string, string>
  /** Folder (`packages/dag`, `test`, `.`) → its package.json. */
  readonly manifests: ReadonlyMap<string, Manifest>
}

export const root: string = join(import.meta.dirname, '../..')

const SKIPPED = new Set(['node_modules', 'dist', 'planted', 'coverage', '.hearsay', '.vitest'])
const SOURCE = /\.[cm]?[jt]s$/

export function readTree(): Tree {
  const sources = new Map<string, string>()
  const manifests = new Map<string, Manifest>()
  const readManifest = (folder: string): void => {
    const path = join(root, folder, 'package.json')
    if (existsSync(path)) manifests.set(folder, JSON.parse(readFileSync(path, 'utf8')) as Manifest)
  }
  const waiting = ['packages', 'test', 'scripts']
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) waiting.push(path)
      } else if (SOURCE.test(entry.name)) {
        sources.set(path, readFileSync(join(root, path), 'utf8'))
      }
    }
  }
  for (const name of readdirSync(join(root, 'packages'))) readManifest(`packages/${name}`)
  readManifest('test')
  readManifest('.')
  return { sources, manifests }
}
