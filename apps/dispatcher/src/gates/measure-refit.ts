import { higherIsBetter, importanceWeights, metricOf, type DatasetProfile, type Metric } from '@cascata/statistics'
import { readFrame } from '../frames/read-frame.ts'
import { mean, targetOf, type Target } from '../trainers/target.ts'
import { profileOf, profileNumbers } from '../data-checks/profile-frame.ts'
import { type RefitRequest, type RefitResult } from './measurement.ts'
import { readModel, scoredOf, unusableIn } from './measure-gate.ts'
import { openModel, replayGolden } from './score.ts'

/** Puts the refitted model beside the candidate, on the holdout's rows, and profiles the rows it was fitted on. */
export async function measureRefit({ data, metric, candidate, refit, importance }: RefitRequest): Promise<RefitResult> {
  const frame = await readFrame(data.holdout, data.columns)
  const passed = await readModel(candidate)
  const fitted = await readModel(refit)
  const [before, after] = [await openModel(passed.path, passed.signature), await openModel(fitted.path, fitted.signature)]
  const target = targetOf(frame, data.label, data.task, before.classes ?? undefined)
  const [ours, theirs] = [scoredOf(target, await before.score(frame)), scoredOf(target, await after.score(frame))]
  const all = await readFrame([...data.train, ...data.validation, ...data.holdout], data.columns)
  const profile: DatasetProfile = profileOf(all, data.columns)
  return {
    figures: {
      rows: frame.rows,
      rowsHash: data.hash,
      candidate: metricOf(metric as Metric, ours),
      refit: metricOf(metric as Metric, theirs),
      higherIsBetter: higherIsBetter(metric as Metric),
      shift: shiftOf(ours.scores, theirs.scores, target),
      golden: await replayGolden(after, fitted.golden),
      unusable: unusableIn(theirs.scores),
    },
    profile: { ...profile, importance: importanceWeights(importance), scores: profileNumbers(Float64Array.from(ours.scores)) },
  }
}

/**
 * How far the scores moved, whatever their order: the Wasserstein distance of two equally long sets. Probabilities as they are; numbers in
 * standard deviations of the labels. A distance over bins would call two models strangers that say 0.20 and 0.22 of everything.
 */
function shiftOf(a: ArrayLike<number>, b: ArrayLike<number>, { task, y }: Target): number {
  const [before, after] = [Float64Array.from(a).sort(), Float64Array.from(b).sort()]
  const distance = mean(before.map((score, at) => Math.abs(score - (after[at] as number))))
  if (task !== 'regression') return distance
  const centre = mean(y)
  return distance / (Math.sqrt(mean(y.map((value) => (value - centre) ** 2))) || 1)
}
