import { spawn } from 'node:child_process'
import { root } from '../paths.ts'

/** How a check ended. */
export interface Outcome {
  name: string
  passed: number
  failed: number
  seconds: number
}

const running = new Set<number>()

/** Ends what runs now, with all it started in its group. */
export const endRunning = (signal: NodeJS.Signals): void => {
  for (const pid of running) {
    try {
      process.kill(-pid, signal)
    } catch {
      continue
    }
  }
}

/**
 * Runs a program with its output shown, in a group of its own.
 *
 * @returns Its exit code; 1 when it ended by a signal or could not be started.
 */
export const show = (file: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
      env: { ...process.env, ...env },
    })
    if (child.pid) running.add(child.pid)
    const end = (code: number) => {
      if (child.pid) running.delete(child.pid)
      resolve(code)
    }
    child.on('error', (error) => {
      process.stderr.write(`${file}: ${error.message}\n`)
      end(1)
    })
    child.on('close', (code) => end(code ?? 1))
  })
