import { trainingRefused } from '@cascata/events'
import { fact } from '@cascata/messaging'
import { rm } from 'node:fs/promises'
import { decideDataChecks, type DataVerdict } from '../data-checks/decide-data-checks.ts'
import { type CheckResult } from '../gates/measurement.ts'
import { findModel, referenceOf } from '../models/models.store.ts'
import { fingerprintOf } from '../models/policy.ts'
import { endRun, identityOf } from './advance.ts'
import { columnsOf, datasetFiles, fetchDataset, groupColumns } from './dataset-files.ts'
import { measure } from './measure.ts'
import { planBuild } from '../reproductions/build-record.ts'
import { type Run } from './run.ts'
import { runFolder } from './run-folder.ts'
import { runAlike, updateRun } from './runs.store.ts'
import { RunFailed, type Tools } from './tools.ts'
import { viewsNow } from '../models/specs.ts'

/**
 * What comes before the first attempt: the dataset is fetched and checked, and nothing is done twice.
 * The holdout is taken away again: the trainer runs on the same machine.
 *
 * @returns Whether the run goes on; otherwise it has ended, with the reason said.
 */
export async function prepareRun(tools: Tools, run: Run, signal: AbortSignal): Promise<boolean> {
  if (run.details.attempts) return true
  const judgedOnly = run.details.registered !== undefined
  const { db, config, clock, mlflow } = tools
  const fingerprint = run.fingerprint ?? fingerprintOf(run.dataset?.hash ?? '', run)
  const alike = judgedOnly ? undefined : await runAlike(db, run, fingerprint)
  if (alike) {
    const message = `Run ${alike} had the same dataset, code, parameters and seed.`
    await refuse(tools, run, { reason: 'identical', evidence: { run: alike, fingerprint }, code: 'DISP_IDENTICAL_RUN', message })
    return false
  }
  await fetchDataset(tools, run)
  const verdict = await checkData(tools, run, signal)
  if (verdict.is === 'refused') {
    const code = verdict.reason === 'data-invalid' ? 'DISP_DATA_INVALID' : 'DISP_TOO_FEW_ROWS'
    const message = verdict.anomalies.map(({ anomaly, feature }) => (feature ? `${anomaly} of ${feature}` : anomaly)).join(', ')
    await refuse(tools, run, { reason: verdict.reason, evidence: { anomalies: verdict.anomalies }, code, message })
    return false
  }
  await rm(runFolder(config.runs, run.id).part('holdout'), { force: true })
  if (judgedOnly) return true
  const logged = run.details.mlflow ?? (await mlflow.start(`${run.namespace}/${run.model}`, run.id, clock.now(), tagsOf(run)))
  await updateRun(db, run.id, { fingerprint }, { mlflow: logged, build: await planBuild(tools, run) })
  if (!run.details.mlflow)
    await mlflow.log(
      logged,
      { params: { trainer: JSON.stringify(run.spec.train.trainer), seed: run.spec.train.seed, ...run.spec.train.params } },
      clock.now(),
    )
  return true
}

const tagsOf = (run: Run): Record<string, string> => ({
  'cascata.run': run.id,
  'cascata.trigger': run.trigger,
  'cascata.revision': String(run.revision),
  'cascata.dataset': run.dataset?.dataset ?? '',
  'cascata.datasetHash': run.dataset?.hash ?? '',
})

async function checkData(tools: Tools, run: Run, signal: AbortSignal): Promise<DataVerdict> {
  const { db } = tools
  const reference = await referenceOf(db, run)
  const data = await datasetFiles(tools, run, await groupColumns(tools, run))
  const measured = await measure<CheckResult>(
    tools,
    run,
    'check',
    { kind: 'check', output: '', data, reference: reference.profile },
    signal,
  )
  if (measured.is === 'failed') throw new RunFailed(measured.failure.code, measured.failure.message)
  const model = await findModel(db, run)
  const expected = columnsOf(run, await viewsNow(db)).map(({ name, type }) => ({ name, type }))
  return decideDataChecks(
    { ...measured.result, expected, labels: model?.labels ?? null, earlier: reference.labels },
    run.spec.train.rows.min,
  )
}

interface Refusal {
  reason: string
  evidence: Record<string, unknown>
  code: string
  message: string
}

async function refuse(tools: Tools, run: Run, { reason, evidence, code, message }: Refusal): Promise<void> {
  tools.metrics.refusals.inc({ reason })
  const identical = code === 'DISP_IDENTICAL_RUN'
  await endRun(tools, run, {
    to: identical ? 'cancelled' : 'failed',
    outcome: identical ? 'spared' : 'failed',
    failure: { code, message },
    facts: [(id) => fact(trainingRefused, { ...identityOf(run), run: run.id, reason, evidence }, { id })],
  })
}
