import { type Figures } from '../gates/figures.ts'
import { type Run, type RunDetails } from './run.ts'

/** The evidence of a verdict: every number, its interval, the rows' hash, and what the run came from. */
export const evidenceOf = (run: Run, found: RunDetails) => ({
  run: run.id,
  model: `${run.namespace}/${run.model}`,
  revision: run.revision,
  trigger: run.trigger,
  causes: run.causes,
  dataset: run.dataset && {
    id: run.dataset.dataset,
    hash: run.dataset.hash,
    rows: run.dataset.rows,
    cutoff: run.dataset.cutoff,
    split: run.dataset.split,
  },
  comparison: found.comparison,
  why: found.why ?? null,
  gates: [...(found.gates ?? []), ...(found.refitGates ?? [])],
  figures: found.figures,
  trainer: found.trainer ?? run.details.trainer,
})

/** The gate's metric on the holdout, as verdicts carry it. */
export function holdoutOf(run: Run, figures: Figures | undefined) {
  if (figures?.candidate.is !== 'measured' || !Number.isFinite(figures.candidate.metric.value)) return {}
  const { value, interval } = figures.candidate.metric
  const range = interval.every((end) => Number.isFinite(end)) ? { interval: [interval[0], interval[1]] as [number, number] } : {}
  return { holdout: { metric: run.spec.gates.metric, value, ...range, rows: figures.holdout.rows } }
}
