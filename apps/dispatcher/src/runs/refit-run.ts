import { versionApproved } from '@cascata/events'
import { fact } from '@cascata/messaging'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decideRefit } from '../gates/decide-refit.ts'
import { type RefitResult } from '../gates/measurement.ts'
import { inputsHash } from '../models/policy.ts'
import { saveReference } from '../models/models.store.ts'
import { type RegisteredVersion } from '../upstream/registry.ts'
import { advance, endRun, identityOf } from './advance.ts'
import { datasetFiles, fetchDataset } from './dataset-files.ts'
import { evidenceOf, holdoutOf } from './evidence.ts'
import { rejectRun } from './gate-run.ts'
import { measure } from './measure.ts'
import { readSignature } from './model-files.ts'
import { type Run, type RunDetails } from './run.ts'
import { runFolder } from './run-folder.ts'
import { RunFailed, type Tools } from './tools.ts'
import { trainAttempts } from './train-run.ts'

/** State `refitting`: what passed is fitted once more on all ripe rows, checked for sanity, and registered. */
export async function refitRun(tools: Tools, run: Run, signal: AbortSignal): Promise<void> {
  await fetchDataset(tools, run)
  const candidate = await candidateOf(tools, run)
  const fitted = run.spec.train.refit ? await refit(tools, run, signal) : candidate
  const measured = await sanity(tools, run, candidate, fitted, signal)
  const { sane, gates } = decideRefit(measured.figures)
  const found: RunDetails = { ...run.details, refitGates: gates }
  if (!sane) {
    const why = `The refitted model is not like the candidate: ${gates
      .filter(({ passed }) => !passed)
      .map(({ gate, value }) => `${gate} ${value}`)
      .join(', ')}`
    const evidence = await tools.registry.putJson(evidenceOf(run, { ...found, why }))
    return rejectRun(tools, run, { comparison: run.details.comparison ?? 'skipped', why }, { refitGates: gates, why, evidence })
  }
  const { version, evidence } = await register(tools, run, fitted, found, measured)
  await logRun(tools, run, fitted)
  await saveReference(tools.db, run, { profile: measured.profile, ...(run.details.labels && { labels: run.details.labels }) })
  await approve(tools, run, version.version, { refitGates: gates, evidence })
}

/** Folder of the model that passed the gates: that of the last attempt at the first fit. */
async function candidateOf({ config }: Tools, run: Run): Promise<string> {
  const trained = (run.details.attempts ?? []).filter(({ what, exit }) => what === 'train' && exit?.code === 0).at(-1)
  if (!trained) throw new RunFailed('DISP_NO_CANDIDATE', 'The run has no candidate.')
  return runFolder(config.runs, run.id).output(`train-${trained.attempt}`)
}

async function refit(tools: Tools, run: Run, signal: AbortSignal): Promise<string> {
  const fitted = (run.details.trainer?.fitted ?? {}) as Record<string, unknown>
  const trained = await trainAttempts(tools, run, { what: 'refit', fitted }, signal)
  if (trained.is === 'failed') throw new RunFailed(trained.failure.code, `Refit: ${trained.failure.message}`)
  return runFolder(tools.config.runs, run.id).output(`refit-${trained.attempt}`)
}

async function sanity(tools: Tools, run: Run, candidate: string, fitted: string, signal: AbortSignal): Promise<RefitResult> {
  const figures = run.details.figures?.candidate
  const importance = figures?.is === 'measured' ? figures.importance : []
  const request = {
    kind: 'refit' as const,
    output: '',
    data: await datasetFiles(tools, run),
    metric: run.spec.gates.metric,
    candidate,
    refit: fitted,
    importance,
  }
  const measured = await measure<RefitResult>(tools, run, 'refit-check', request, signal)
  if (measured.is === 'failed') throw new RunFailed(measured.failure.code, `Refit: ${measured.failure.message}`)
  return measured.result
}

async function register({ registry }: Tools, run: Run, fitted: string, found: RunDetails, { profile }: RefitResult) {
  const evidence = await registry.putJson(evidenceOf(run, found))
  const schema = run.inputs.map(({ name, type, nullable }) => ({ name, type, nullable }))
  const dataset = run.dataset as NonNullable<Run['dataset']>
  const { train } = run.spec
  const version: RegisteredVersion = await registry.register({
    ...identityOf(run),
    run: run.id,
    dataset: dataset.dataset,
    datasetHash: dataset.hash,
    code: train.code ?? (typeof train.trainer === 'string' ? `cascata-${train.trainer}` : JSON.stringify(train.trainer)),
    modelSha256: await registry.putFile(join(fitted, 'model.onnx')),
    inputs: { hash: inputsHash(schema), schema },
    signature: await readSignature(fitted),
    goldenSha256: await registry.putFile(join(fitted, 'golden.json')),
    profileSha256: await registry.putJson(profile),
    evidenceSha256: evidence,
    ...recordOf(run),
    cutoff: train.refit ? dataset.cutoff : (dataset.split.validation.to ?? dataset.cutoff),
  })
  return { version, evidence }
}

/** What the version was made with, for whoever makes it again. */
function recordOf({ details: { build, trainer } }: Run) {
  return build ? { record: { ...build, fitted: (trainer?.fitted ?? null) as Record<string, unknown> | null } } : {}
}

/** What people look for in MLflow: the platform's own figures as metrics, the files as artifacts. */
async function logRun({ mlflow, clock, config }: Tools, run: Run, fitted: string): Promise<void> {
  const logged = run.details.mlflow
  if (!logged) return
  const figures = run.details.figures?.candidate
  const holdout =
    figures?.is === 'measured' ? Object.entries(figures.metrics).map(([name, value]) => [`holdout.${name}`, value] as const) : []
  const reported = Object.entries((run.details.trainer?.metrics ?? {}) as Record<string, number>)
  await mlflow.log(logged, { metrics: Object.fromEntries([...reported, ...holdout]) }, clock.now())
  const evidence = runFolder(config.runs, run.id).evidence
  await writeFile(evidence, JSON.stringify(evidenceOf(run, run.details)))
  for (const name of ['model.onnx', 'signature.json', 'golden.json', 'metrics.json'])
    await mlflow.artifact(logged, name, join(fitted, name))
  await mlflow.artifact(logged, 'evidence.json', evidence)
  await mlflow.end(logged, 'FINISHED', clock.now())
}

async function approve(tools: Tools, run: Run, version: string, details: RunDetails & { evidence: string }): Promise<void> {
  if (run.spec.gates.approval === 'manual') return advance(tools, run, { change: { version, awaiting: true }, details })
  const said = {
    ...identityOf(run),
    version,
    run: run.id,
    verdict: 'approved' as const,
    evidence: details.evidence,
    by: 'gates',
    why: null,
    comparison: run.details.comparison ?? 'skipped',
    ...holdoutOf(run, run.details.figures),
  }
  const outcome = run.details.comparison === 'inconclusive' ? 'inconclusive' : 'approved'
  await endRun(tools, run, {
    to: 'approved',
    outcome,
    details,
    change: { version },
    facts: [(id) => fact(versionApproved, said, { id })],
  })
}
