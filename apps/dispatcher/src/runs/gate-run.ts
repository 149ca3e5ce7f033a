import { versionRejected } from '@cascata/events'
import { fact } from '@cascata/messaging'
import { isCodedError } from '@cascata/service'
import { decideGates, type GateVerdict } from '../gates/decide-gates.ts'
import { type Figures } from '../gates/figures.ts'
import { type GateRequest } from '../gates/measurement.ts'
import { findModel } from '../models/models.store.ts'
import { embargoOf, viewsNow } from '../models/specs.ts'
import { advance, endRun, identityOf } from './advance.ts'
import { fetchChampion } from './champion.ts'
import { championFeatures } from './champion-features.ts'
import { datasetFiles, fetchDataset, groupColumns, modelOf } from './dataset-files.ts'
import { evidenceOf, holdoutOf } from './evidence.ts'
import { measure } from './measure.ts'
import { type Run } from './run.ts'
import { runFolder } from './run-folder.ts'
import { RunFailed, type Tools } from './tools.ts'

/** State `gating`: the candidate and the champion are measured on the withheld holdout, and every gate is decided. */
export async function gateRun(tools: Tools, run: Run, signal: AbortSignal): Promise<void> {
  const { registry, metrics } = tools
  await fetchDataset(tools, run)
  const figures = await measureBoth(tools, run, signal)
  const verdict = decideGates(figures, {
    gates: run.spec.gates,
    inputs: run.inputs.map(({ name, type }) => ({ name, type })),
    hasSteps: run.spec.rollout.steps.length > 0,
    maxBytes: tools.config.modelLimit,
  })
  for (const { gate, passed } of verdict.gates)
    metrics.gates.inc({ gate: gate.split(' ')[0] as string, verdict: passed ? 'passed' : 'failed' })
  const found = { figures, gates: verdict.gates, comparison: verdict.comparison, why: verdict.why }
  const { registered } = run.details
  if (verdict.verdict === 'approved' && !registered) return advance(tools, run, { to: 'refitting', details: found })
  const evidence = await registry.putJson(evidenceOf(run, found))
  // Registered by hand: it may serve, and a person has to say so.
  if (verdict.verdict === 'approved')
    return advance(tools, run, { to: 'refitting', change: { awaiting: true }, details: { ...found, evidence } })
  await rejectRun(tools, run, verdict, { ...found, evidence })
}

/** Ends a run without a version. `details` are what is new: they are merged into what the run knows. */
export async function rejectRun(
  tools: Tools,
  run: Run,
  verdict: Pick<GateVerdict, 'comparison' | 'why'>,
  details: Run['details'] & { evidence: string },
): Promise<void> {
  const said = {
    ...identityOf(run),
    version: run.details.registered?.version ?? null,
    run: run.id,
    verdict: 'rejected' as const,
    evidence: details.evidence,
    by: 'gates',
    why: verdict.why,
    comparison: verdict.comparison,
    ...holdoutOf(run, details.figures ?? run.details.figures),
  }
  await endRun(tools, run, { to: 'rejected', outcome: 'rejected', details, facts: [(id) => fact(versionRejected, said, { id })] })
}

/** A measurement that dies with two models loaded is repeated with one: the champion must not be the candidate's fault. */
async function measureBoth(tools: Tools, run: Run, signal: AbortSignal): Promise<Figures> {
  const request = await gateRequest(tools, run, signal)
  const both = await measure<Figures>(tools, run, 'gate', request, signal)
  if (both.is === 'measured') return both.result
  const { champion } = request
  if (champion) {
    const alone = await measure<Figures>(tools, run, 'gate-alone', { ...request, champion: null }, signal)
    if (alone.is === 'measured')
      return {
        ...alone.result,
        champion: { version: champion.version, is: 'incomparable', reason: both.failure.message, rows: 0 },
      }
  }
  const split = run.dataset?.split.holdout
  const holdout = { rows: split?.rows ?? 0, rowsHash: run.dataset?.hash ?? '', from: split?.from ?? '', to: split?.to ?? '' }
  return { holdout, candidate: { is: 'refused', ...both.failure }, champion: null }
}

async function gateRequest(tools: Tools, run: Run, signal: AbortSignal): Promise<GateRequest> {
  const { config } = tools
  const folder = runFolder(config.runs, run.id)
  const groups = await groupColumns(tools, run)
  const { gates, train } = run.spec
  return {
    kind: 'gate',
    output: '',
    data: await datasetFiles(tools, run, groups),
    seed: train.seed,
    metric: gates.metric,
    confidence: gates.champion?.confidence ?? 0.95,
    fairness: gates.fairness.map(({ by, minGroup }, index) => ({ by, column: groups[index]?.name ?? by, minGroup })),
    candidate: folder.output(`train-${run.attempt}`),
    champion: gates.champion ? await championOf(tools, run, signal) : null,
  }
}

/** What serves now, ready to be measured with all that it reads; null when nothing does. */
async function championOf(tools: Tools, run: Run, signal: AbortSignal): Promise<GateRequest['champion']> {
  const version = (await findModel(tools.db, run))?.served
  if (version === null || version === undefined) return null
  const folder = runFolder(tools.config.runs, run.id).champion
  const unknown = { version, folder, after: Number.MAX_SAFE_INTEGER, extra: null }
  const views = await viewsNow(tools.db)
  try {
    const { cutoff, inputs } = await fetchChampion(tools, run, version, folder)
    if (cutoff === null) return unknown
    const known = new Set(run.inputs.map(({ name }) => name))
    const missing = inputs.filter((name) => !known.has(name))
    const extra = missing.length > 0 ? await championFeatures(tools, run, missing, views, signal) : null
    // What the candidate has seen ends before the holdout begins, by the embargo of the split.
    return { version, folder, after: cutoff + embargoOf(modelOf(run), views), extra }
  } catch (cause) {
    if (cause instanceof RunFailed || (isCodedError(cause) && !cause.retry)) return unknown
    throw cause
  }
}
