/** On what a figure was measured. */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'

export function machine(): Readonly<Record<string, unknown>> {
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
  return { commit, cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0], node: process.version }
}
