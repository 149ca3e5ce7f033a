import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { jobFile } from './job.ts'
import { type Learner } from './learner.ts'
import { train, type ProgressLine } from './train.ts'

/** A line that says why a trainer gave up, before it exits with 1. */
export type ErrorLine = { error: { code: string; message: string } }

/**
 * A built-in trainer as a process: the job's path as environment or argument, JSON lines on standard output, the exit code as verdict.
 *
 * @param path Path of the job file.
 */
export async function runTrainer(learner: Learner, path: string | undefined): Promise<number> {
  const say = (line: ProgressLine | ErrorLine): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)
  try {
    if (!path) throw new Error('CASCATA_JOB names no job file.')
    const job = jobFile.parse(JSON.parse(await readFile(path, 'utf8')))
    await train(learner, job, say)
    return 0
  } catch (cause) {
    say({ error: describe(cause) })
    return 1
  }
}

function describe(cause: unknown): { code: string; message: string } {
  if (cause instanceof z.ZodError) return { code: 'TRAINER_BAD_JOB', message: z.prettifyError(cause) }
  const { code, message } = cause as Error & { code?: unknown }
  return { code: typeof code === 'string' && code.startsWith('TRAINER_') ? code : 'TRAINER_FAILED', message }
}
