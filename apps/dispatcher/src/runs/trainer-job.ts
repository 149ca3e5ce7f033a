import { isCodedError } from '@cascata/service'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { nodeFor } from '../entries.ts'
import { type Job } from '../executor/executor.ts'
import { writeJson } from '../executor/job-folder.ts'
import { viewsNow } from '../models/specs.ts'
import { type JobFile } from '../trainers/job.ts'
import { columnsOf } from './dataset-files.ts'
import { type Run } from './run.ts'
import { runFolder } from './run-folder.ts'
import { RunFailed, type Tools } from './tools.ts'

export interface TrainerAttempt {
  what: 'train' | 'refit'
  attempt: number
  /** For a refit: what the first fit recorded. */
  fitted: Record<string, unknown> | null
}

/** Writes the file of a training job and says how it is started: `trainer` of the Model, limits of its `run`. */
export async function trainerJob(tools: Tools, run: Run, which: TrainerAttempt): Promise<Job> {
  const { config } = tools
  const name = `${which.what}-${which.attempt}`
  const folder = runFolder(config.runs, run.id).job(name)
  const { memory, timeout, cpu } = run.spec.train.run
  writeJson(folder, 'job.json', await jobFileOf(tools, run, which, folder))
  return {
    id: `${run.id}-${name}`,
    folder,
    command: commandOf(run, memory),
    cwd: resolve(config.trainers),
    env: await environmentOf(tools, run, folder, cpu),
    limits: { timeoutMs: timeout, memoryBytes: memory, outputBytes: config.outputLimit, printedBytes: config.printLimit },
  }
}

async function jobFileOf(
  { config, db }: Tools,
  run: Run,
  { what, attempt, fitted }: TrainerAttempt,
  folder: string,
): Promise<JobFile> {
  const files = runFolder(config.runs, run.id)
  const { params, seed, rows } = run.spec.train
  const refit = what === 'refit'
  return {
    run: run.id,
    attempt,
    task: run.spec.task,
    dataset: refit
      ? { train: [files.part('train'), files.part('validation'), files.part('holdout')], validation: [] }
      : { train: [files.part('train')], validation: [files.part('validation')] },
    columns: columnsOf(run, await viewsNow(db)),
    label: 'label',
    rows: { history: rows.history === 'auto' ? 'auto' : 'all' },
    params,
    seed,
    output: join(folder, 'output'),
    progress: run.token === '' ? null : { url: `${config.dispatcherUrl}/v1/runs/${run.id}/progress`, token: run.token },
    refit: refit ? { fitted: fitted ?? {} } : null,
  }
}

function commandOf(run: Run, memory: number): string[] {
  const { trainer, run: how } = run.spec.train
  if (how.executor !== 'process')
    throw new RunFailed('DISP_EXECUTOR_UNSUPPORTED', `Executor ${how.executor} is not supported yet.`)
  if (typeof trainer === 'object' && 'image' in trainer)
    throw new RunFailed('DISP_EXECUTOR_UNSUPPORTED', 'The process executor runs commands, not images.')
  if (typeof trainer === 'object') return trainer.command
  return nodeFor(`trainers/${trainer}/main`, [`--max-old-space-size=${Math.max(64, Math.round((memory / 2 ** 20) * 0.75))}`])
}

/** Everything that the trainer's environment holds: what any MLflow client reads, the job's file, and what the Model declares. */
async function environmentOf({ config }: Tools, run: Run, folder: string, cpu: number): Promise<Record<string, string>> {
  const threads = String(Math.max(1, Math.ceil(cpu)))
  const declared = await Promise.all(
    Object.entries(run.spec.train.run.env).map(
      async ([key, value]) => [key, typeof value === 'string' ? value : await secretOf(config.secrets, value.secret)] as const,
    ),
  )
  return {
    ...Object.fromEntries(declared),
    PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', // eslint-disable-line no-restricted-properties -- where interpreters are found
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    OMP_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
    MKL_NUM_THREADS: threads,
    CASCATA_JOB: join(folder, 'job.json'),
    MLFLOW_TRACKING_URI: config.registryUrl,
    ...(run.details.mlflow ? { MLFLOW_RUN_ID: run.details.mlflow.run, MLFLOW_EXPERIMENT_ID: run.details.mlflow.experiment } : {}),
    ...(config.trainerToken ? { MLFLOW_TRACKING_TOKEN: config.trainerToken } : {}),
  }
}

async function secretOf(folder: string | null, name: string): Promise<string> {
  if (folder === null || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw new RunFailed('DISP_SECRET_MISSING', `Secret ${name} is not there: DISPATCHER_SECRETS names the folder.`)
  try {
    return (await readFile(join(folder, name), 'utf8')).trimEnd()
  } catch (cause) {
    if (isCodedError(cause)) throw cause
    throw new RunFailed('DISP_SECRET_MISSING', `Secret ${name} is not there.`)
  }
}
