// Decides which data directories a path means.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { usageError } from '../src/index.ts'

/** The data directories that are meant: a directory itself, or those in the folder of a testnet. */
export function dataDirectories(dir: string): readonly string[] {
  if (!existsSync(dir))
    throw usageError(`${dir} does not exist`, 'name data directories, or the folder of a testnet')
  if (!statSync(dir).isDirectory())
    throw usageError(`${dir} is not a directory`, 'name the data directory it is in')
  if (existsSync(join(dir, 'config.json'))) return [dir]
  const inside = readdirSync(dir)
    .toSorted()
    .map((name) => join(dir, name))
    .filter((each) => existsSync(join(each, 'config.json')))
  if (inside.length === 0)
    throw usageError(
      `${dir} is no data directory and holds none`,
      'a data directory has genesis.json and config.json',
    )
  return inside
}
