import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeFor } from '../entries.ts'
import { type Exit, type Job } from '../executor/executor.ts'
import { writeJson } from '../executor/job-folder.ts'
import { type Measurement } from '../gates/measurement.ts'
import { judgeExit } from './judge-exit.ts'
import { perform } from './perform.ts'
import { type Run, type Failure } from './run.ts'
import { runFolder } from './run-folder.ts'
import { type Tools } from './tools.ts'

export type Measured<T> = { is: 'measured'; result: T } | { is: 'failed'; failure: Failure }

/** Attempts at a measurement whose process was lost. */
const attempts = 3

/**
 * Measures in a limited process; a measurement that is done is read again, not repeated.
 *
 * @param name Of the job's folder: `check`, `gate`, `refit-check`.
 */
export async function measure<T>(
  tools: Tools,
  run: Run,
  name: string,
  request: Measurement,
  signal: AbortSignal,
): Promise<Measured<T>> {
  const { config } = tools
  for (let attempt = 1; ; attempt++) {
    const job = measureJob(tools, run, `${name}-${attempt}`)
    const output = join(job.folder, 'output')
    writeJson(job.folder, 'job.json', { ...request, output })
    const exit: Exit = await perform(tools, run, job, signal)
    const verdict = judgeExit(exit, job.limits)
    if (verdict.is === 'good')
      return { is: 'measured', result: JSON.parse(await readFile(join(output, 'result.json'), 'utf8')) as T }
    if (exit.reason === 'lost' && attempt < attempts) continue
    const code = verdict.failure.code.replace(/^TRAINER_/, 'MEASURE_')
    const message = verdict.failure.message.replace('The trainer', 'The measurement')
    tools.log.warn({ run: run.id, job: job.id, code }, message)
    return {
      is: 'failed',
      failure: { code, message: code === 'MEASURE_DEADLINE' ? `${message} The limit is ${config.measureTimeout} ms.` : message },
    }
  }
}

/** A job that measures in a limited process; the folder is the run's. */
export function measureJob({ config }: Tools, run: Run, name: string): Job {
  const folder = runFolder(config.runs, run.id).job(name)
  return {
    id: `${run.id}-${name}`,
    folder,
    command: nodeFor('gates/measure.worker', [`--max-old-space-size=${Math.round(config.measureMemory / 2 ** 20)}`]),
    cwd: folder,
    env: { CASCATA_JOB: join(folder, 'job.json'), TZ: 'UTC' },
    limits: {
      timeoutMs: config.measureTimeout,
      memoryBytes: config.measureMemory,
      outputBytes: 256 * 2 ** 20,
      printedBytes: 2 ** 20,
    },
  }
}
