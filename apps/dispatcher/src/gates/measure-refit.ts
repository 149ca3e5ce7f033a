import { higherIsBetter, importanceWeights, jensenShannon, metricOf, type DatasetProfile, type Metric } from '@cascata/statistics'
import { readFrame } from '../frames/read-frame.ts'
import { targetOf } from '../trainers/target.ts'
import { profileOf, profileNumbers } from '../data-checks/profile-frame.ts'
import { type RefitRequest, type RefitResult } from './measurement.ts'
import { readModel, scoredOf, unusableIn } from './measure-gate.ts'
import { openModel, replayGolden } from './score.ts'

const bins = 20

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
      shift: shiftOf(ours.scores, theirs.scores),
      golden: await replayGolden(after, fitted.golden),
      unusable: unusableIn(theirs.scores),
    },
    profile: { ...profile, importance: importanceWeights(importance), scores: profileNumbers(Float64Array.from(ours.scores)) },
  }
}

/** Jensen–Shannon distance of two sets of scores over equal bins of their common range. */
function shiftOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [low, high] = [Infinity, -Infinity]
  for (const scores of [a, b])
    for (let at = 0; at < scores.length; at++) {
      low = Math.min(low, scores[at] as number)
      high = Math.max(high, scores[at] as number)
    }
  const counts = (scores: ArrayLike<number>): number[] => {
    const found = new Array<number>(bins).fill(0)
    for (let at = 0; at < scores.length; at++) {
      const bin = high > low ? Math.min(bins - 1, Math.floor((((scores[at] as number) - low) / (high - low)) * bins)) : 0
      found[bin] = (found[bin] ?? 0) + 1
    }
    return found
  }
  return jensenShannon(counts(a), counts(b))
}
