import { spawn } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gone, marker, processesWith, signalGroup } from '@cascata/infra'

/** Names the folder of this test run; whatever a test starts carries it in its environment and is ended with it. */
const variable = 'TEST_HOME'

/** Ends every process that carries the mark of a folder or works in it, and removes the folder. */
export const sweep = async (home: string): Promise<void> => {
  const within = (path: string) => path === home || path.startsWith(`${home}/`)
  const left = processesWith(
    (environment, _words, folder) =>
      within(folder) || environment.some((line) => line.startsWith(`${marker}=`) && within(line.slice(marker.length + 1))),
  )
  for (const ref of left) signalGroup(ref, 'SIGCONT')
  for (const ref of left) signalGroup(ref, 'SIGKILL')
  await Promise.all(left.map((ref) => gone(ref, 5_000)))
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

/** The folder of this run. A watcher sweeps it when this process is gone, even by kill -9. */
export const testHome = (): string => {
  const known = process.env[variable]
  if (known) return known
  const home = mkdtempSync(join(realpathSync(tmpdir()), 'cascata-test-'))
  process.env[variable] = home
  const watcher = fileURLToPath(new URL('sweep-after.ts', import.meta.url))
  spawn(process.execPath, ['--disable-warning=ExperimentalWarning', watcher, String(process.pid), home], {
    detached: true,
    stdio: 'ignore',
  }).unref()
  return home
}

/** The mark for the environment of what a test starts. */
export const marks = (): NodeJS.ProcessEnv => ({ [marker]: testHome() })
