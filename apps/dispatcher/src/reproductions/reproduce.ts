import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pause } from '@cascata/messaging'
import { isCodedError } from '@cascata/service'
import { type Exit, type Job } from '../executor/executor.ts'
import { type CompareResult } from '../gates/measurement.ts'
import { datasetFiles, fetchDataset } from '../runs/dataset-files.ts'
import { judgeExit } from '../runs/judge-exit.ts'
import { measureJob } from '../runs/measure.ts'
import { type JobFolderFiles, readModelFiles } from '../runs/model-files.ts'
import { type Run } from '../runs/run.ts'
import { runFolder } from '../runs/run-folder.ts'
import { findRun } from '../runs/runs.store.ts'
import { Interrupted, RunFailed, type Tools } from '../runs/tools.ts'
import { trainerJob } from '../runs/trainer-job.ts'
import { writeJson } from '../executor/job-folder.ts'
import { type RegisteredVersion } from '../upstream/registry.ts'
import { type BuildRecord, planBuild } from './build-record.ts'
import { decideOutcome, tolerance } from './decide-outcome.ts'
import { recordedCode } from './recorded-code.ts'
import { type Outcome, type Reproduction } from './reproduction.ts'
import { endReproduction, takeReproduction } from './reproductions.store.ts'

/** Makes versions once more, one at a time, on one replica. Nothing of it is registered, said as a fact or rolled out. */
export const reproducing =
  (tools: Tools) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const next = await takeReproduction(tools.db)
      if (next) await work(tools, next, signal)
      else await pause(1_000, signal)
    }
  }

async function work(tools: Tools, reproduction: Reproduction, signal: AbortSignal): Promise<void> {
  const { db, clock, config, log } = tools
  const end = (ended: Parameters<typeof endReproduction>[2]) => endReproduction(db, reproduction.id, ended, new Date(clock.now()))
  try {
    await end({ result: await reproduce(tools, reproduction, signal) })
  } catch (cause) {
    if (cause instanceof Interrupted) return
    const known = cause instanceof RunFailed || isCodedError(cause)
    if (!known) log.warn({ reproduction: reproduction.id, err: cause }, 'a reproduction failed')
    await end({ failure: { code: known ? cause.code : 'DISP_REPRODUCTION_FAILED', message: (cause as Error).message } })
  }
  await rm(runFolder(config.runs, reproduction.id).folder, { recursive: true, force: true })
}

/** Trains as the record says, on the dataset of the version, and puts the result beside what is registered. */
async function reproduce(
  tools: Tools,
  { id, namespace, model, version: number }: Reproduction,
  signal: AbortSignal,
): Promise<Outcome> {
  const version = await tools.registry.version(namespace, model, number)
  if (version.modelSha256 === null || version.run === null)
    throw new RunFailed(
      'DISP_NOT_REPRODUCIBLE',
      `Version ${number} was not made by a run of the platform, or its files were purged.`,
    )
  const original = await findRun(tools.db, version.run)
  if (!original?.dataset) throw new RunFailed('DISP_NOT_REPRODUCIBLE', `Run ${version.run} is not known here any more.`)
  const run: Run = { ...original, id, state: 'training', details: {}, token: '' }
  await fetchDataset(tools, run)
  const folder = runFolder(tools.config.runs, id)
  const plan = await planBuild(tools, run)
  const cwd = plan.trainer === 'command' ? await recordedCode(tools, version.record, folder.folder) : undefined
  const first = await fit(tools, run, { what: 'train', fitted: null }, cwd, signal)
  const last = plan.refit ? await fit(tools, run, { what: 'refit', fitted: first.files.fitted }, cwd, signal) : first
  const modelSha256 = createHash('sha256')
    .update(await readFile(join(last.output, 'model.onnx')))
    .digest('hex')
  const code = cwd?.startsWith(folder.folder) && version.record ? codeOf(version.record) : {}
  const now = { modelSha256, datasetHash: version.datasetHash, record: { ...plan, ...code, fitted: first.files.fitted } }
  const recorded = { modelSha256: version.modelSha256, datasetHash: original.dataset.hash, record: version.record }
  const same = modelSha256 === version.modelSha256
  return decideOutcome(recorded, now, same ? null : { ...(await compare(tools, run, version, last.output, signal)), tolerance })
}

/** The code that really ran, where the recorded commit was laid out. */
const codeOf = ({ commit, diffSha256, lockFiles }: BuildRecord) => ({ commit, diffSha256, lockFiles })

async function fit(
  tools: Tools,
  run: Run,
  which: { what: 'train' | 'refit'; fitted: Record<string, unknown> | null },
  cwd: string | undefined,
  signal: AbortSignal,
): Promise<{ output: string; files: JobFolderFiles }> {
  const job = await trainerJob(tools, run, { ...which, attempt: 1 })
  const exit = await finish(tools, cwd === undefined ? job : { ...job, cwd }, signal)
  const judged = judgeExit(exit, job.limits)
  if (judged.is !== 'good') throw new RunFailed(judged.failure.code, judged.failure.message)
  const output = runFolder(tools.config.runs, run.id).output(`${which.what}-1`)
  const read = await readModelFiles(output, tools.config.modelLimit)
  if (read.is !== 'good') throw new RunFailed(read.failure.code, read.failure.message)
  return { output, files: read.files }
}

/** Runs a job to its end; one that runs already is waited for. @throws Interrupted when the signal fires: then the job goes on */
async function finish({ executor }: Tools, job: Job, signal: AbortSignal): Promise<Exit> {
  await executor.submit(job)
  for (;;) {
    const status = await executor.status(job)
    if (status.is === 'ended') return status.exit
    if (signal.aborted) throw new Interrupted()
    await pause(100, signal)
  }
}

/** How far the two models' answers lie apart, measured in a limited process. */
async function compare(
  tools: Tools,
  run: Run,
  version: RegisteredVersion,
  again: string,
  signal: AbortSignal,
): Promise<CompareResult> {
  const recorded = join(runFolder(tools.config.runs, run.id).folder, 'recorded')
  await mkdir(recorded, { recursive: true })
  await pipeline(await tools.registry.blob(version.modelSha256!), createWriteStream(join(recorded, 'model.onnx')))
  await writeFile(join(recorded, 'signature.json'), JSON.stringify(version.signature))
  await writeFile(join(recorded, 'golden.json'), JSON.stringify({ rows: 0, inputs: {}, outputs: { value: [] }, tolerance: 0 }))
  const job = measureJob(tools, run, 'compare-1')
  const output = join(job.folder, 'output')
  writeJson(job.folder, 'job.json', { kind: 'compare', output, data: await datasetFiles(tools, run), recorded, again })
  const judged = judgeExit(await finish(tools, job, signal), job.limits)
  if (judged.is !== 'good') throw new RunFailed(judged.failure.code.replace(/^TRAINER_/, 'MEASURE_'), judged.failure.message)
  return JSON.parse(await readFile(join(output, 'result.json'), 'utf8')) as CompareResult
}
