import { type Database } from '@cascata/messaging'
import { type Views } from '@cascata/resources'
import { higherIsBetter, type Metric } from '@cascata/statistics'
import { referencedViews } from '@cascata/resources'
import { type WatchedModel } from '../models/models.store.ts'
import { type AppliedModel, timestampsOf } from '../models/spec-of.ts'
import { findVersion, type WatchedVersion } from '../versions/versions.store.ts'
import { rowsIn } from '../views/view-rows.store.ts'
import { type FeatureMeasure, measureWindow } from '../windows/measure-window.ts'
import { isClosed } from '../windows/window.ts'
import {
  firstPerformance,
  labelledWindows,
  type LabelledWindow,
  lastWindows,
  type StoredWindow,
} from '../windows/windows.store.ts'
import { decideDataInvalid, type WindowData } from './decide-data-invalid.ts'
import { decideDrift } from './decide-drift.ts'
import { decideFairness } from './decide-fairness.ts'
import { type Judged } from './decide-findings.ts'
import { decidePerformance, type RealisedWindow } from './decide-performance.ts'
import { decideSkew } from './decide-skew.ts'
import { decideStale } from './decide-stale.ts'

/** So many windows with labels are looked at. */
const LABELLED = 20

/** A window with its inputs measured against the training profile. */
export type Measured = StoredWindow & { readonly features: readonly FeatureMeasure[] }

/** What was judged about a model, and the windows it was judged on. */
export interface ModelJudgement {
  readonly judged: readonly Judged[]
  readonly windows: readonly Measured[]
  readonly version: WatchedVersion | undefined
}

const span = ({ from, to, rows }: LabelledWindow) => ({ from: from.getTime(), to: to.getTime(), rows })

const realised = (windows: readonly LabelledWindow[]): RealisedWindow[] =>
  windows.flatMap((window) => {
    const { performance } = window
    if (!performance) return []
    const { metric, value, interval, labelled } = performance
    return [{ ...span(window), metric, value, interval, labelled, higherIsBetter: higherIsBetter(metric as Metric) }]
  })

const withJoined = (windows: readonly LabelledWindow[]) =>
  windows.flatMap((window) => (window.joined ? [{ ...span(window), ...window.joined }] : []))

const fairnessOf = ({ model: { spec } }: AppliedModel, version: string, windows: readonly LabelledWindow[]): Judged => {
  const rules = spec.gates.fairness.map(({ by, equalOpportunity, minGroup }) => ({
    by: by.replace(':', '__'),
    equalOpportunity: equalOpportunity.value,
    minGroup,
  }))
  const { of } = spec.monitor.drift.persist
  return { version, type: 'fairness', judgement: decideFairness(withJoined(windows), rules, of) }
}

/**
 * Judges what serves of a model: all of the champion, and fairness of the candidate, which sends it back while it bakes.
 * A switched-off trigger (`drift: false`, `performance: none`) doesn't switch off the watching: the dispatcher decides what it trains on.
 */
export const judgeModel = async (
  db: Database,
  watched: WatchedModel,
  applied: AppliedModel,
  views: Views,
): Promise<ModelJudgement> => {
  const { champion: version, candidate, model, namespace } = watched
  const { monitor, retrain } = applied.model.spec
  const judged: Judged[] = []
  if (candidate) judged.push(fairnessOf(applied, candidate, await labelledWindows(db, model, candidate, LABELLED)))
  if (!version) return { judged, windows: [], version: undefined }

  const known = await findVersion(db, model, version)
  const reference = known?.reference
  const stored = await lastWindows(db, model, version, monitor.drift.persist.of + 10)
  const labelled = await labelledWindows(db, model, version, LABELLED)
  const windows = stored.map((window): Measured => ({
    ...window,
    features: reference ? measureWindow(window.summary, reference) : [],
  }))
  const closed = windows.filter(({ to }) => isClosed(to.getTime(), monitor.window, watched.seenUpTo?.getTime() ?? -Infinity))
  const newest = await Promise.all(
    windows.slice(-2).map(async (window): Promise<WindowData> => {
      const counts = await rowsIn(db, namespace, referencedViews(applied.model), window.from, window.to)
      return { ...span(window), features: window.features, views: counts }
    }),
  )
  const { minRows } = monitor.drift
  const { metric } = applied.model.spec.gates
  const holdout = known?.holdout?.metric === metric ? known.holdout.value : null
  const baseline = holdout ?? (await firstPerformance(db, model, version, metric, monitor.performance.minLabels))
  const ages = { learned: known?.cutoff?.getTime() ?? null, ripe: watched.cutoff?.getTime() ?? null }
  const inWindows = closed.map((window) => ({ ...span(window), features: window.features }))
  judged.push(
    { version, type: 'drift', judgement: decideDrift(inWindows, monitor.drift) },
    {
      version,
      type: 'data-invalid',
      judgement: decideDataInvalid(newest, { minRows, timestamps: timestampsOf(applied.model, views) }),
    },
    { version, type: 'performance', judgement: decidePerformance(realised(labelled), baseline, monitor.performance) },
    { version, type: 'skew', judgement: decideSkew(withJoined(labelled), Math.min(minRows, monitor.performance.minLabels)) },
    { version, type: 'stale', judgement: decideStale(ages, retrain.when.maxAge) },
    fairnessOf(applied, version, labelled),
  )
  return { judged, windows, version: known }
}
