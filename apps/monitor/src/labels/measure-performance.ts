import { type Database } from '@cascata/messaging'
import {
  allMetrics,
  bootstrapMetric,
  estimatePerformance,
  fitCalibrator,
  type Metric,
  metricsOf,
  seededRandom,
} from '@cascata/statistics'
import { type WatchedModel } from '../models/models.store.ts'
import { type AppliedModel } from '../models/spec-of.ts'
import { servedIn } from '../predictions/predictions.store.ts'
import { findVersion, keepCalibrator } from '../versions/versions.store.ts'
import { keepPerformance, type Performance, ripeWindows, type StoredWindow } from '../windows/windows.store.ts'
import { binaryScores, scoredOf } from './scored.ts'

/** So many answers of a window are measured, at most: a sample by entity. */
const MEASURED = 50_000
const RESAMPLES = 200

type Answers = Awaited<ReturnType<typeof servedIn>>

const performanceOf = ({ model: { spec } }: AppliedModel, window: StoredWindow, answers: Answers): Performance | null => {
  const scored = scoredOf(spec.task, answers)
  const labelled = scored.labels.length
  const known: readonly string[] = metricsOf[spec.task]
  const metric = (known.includes(spec.gates.metric) ? spec.gates.metric : known[0]!) as Metric
  if (labelled === 0) return null
  const random = seededRandom(`${window.model} ${window.version} ${window.from.toISOString()}`)
  const { value, interval } = bootstrapMetric(metric, scored, { random, resamples: RESAMPLES })
  if (!Number.isFinite(value)) return null
  return { metric, value, interval, labelled, predictions: answers.length, metrics: allMetrics(scored) as Record<string, number> }
}

/** Estimate without labels: calibrated on the version's first window that had enough of them. */
const estimateOf = async (
  db: Database,
  { model: { spec } }: AppliedModel,
  window: StoredWindow,
  answers: Answers,
): Promise<StoredWindow['estimate']> => {
  if (spec.task !== 'binary' || answers.length === 0) return null
  const calibrator = (await findVersion(db, window.model, window.version))?.calibrator
  if (calibrator) {
    const { confusion: _, ...estimate } = estimatePerformance(binaryScores(answers), calibrator)
    return estimate
  }
  const { labels, scores } = scoredOf(spec.task, answers)
  if (labels.length >= spec.monitor.performance.minLabels)
    await keepCalibrator(db, window.model, window.version, fitCalibrator(scores, labels))
  return null
}

/** Measures the windows of a model whose labels have all been joined, and whose figures are not those of their rows any more. */
export const measurePerformance = async (
  db: Database,
  { model, joinedUpTo }: WatchedModel,
  applied: AppliedModel,
): Promise<number> => {
  if (!joinedUpTo) return 0
  const due = await ripeWindows(db, model, joinedUpTo)
  for (const window of due) {
    const answers = await servedIn(db, model, window.version, window.from, window.to, MEASURED)
    const estimate = await estimateOf(db, applied, window, answers)
    await keepPerformance(db, window, { performance: performanceOf(applied, window, answers), estimate })
  }
  return due.length
}
