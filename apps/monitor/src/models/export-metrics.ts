import { type Database } from '@cascata/messaging'
import { driftShare } from '../findings/decide-drift.ts'
import { countOpen } from '../findings/findings.store.ts'
import { type MonitorMetrics } from '../metrics.ts'
import { findVersion } from '../versions/versions.store.ts'
import { measureWindow } from '../windows/measure-window.ts'
import { isClosed } from '../windows/window.ts'
import { lastWindows } from '../windows/windows.store.ts'
import { allModels, type WatchedModel } from './models.store.ts'
import { appliedModel } from './spec-of.ts'

const seconds = (at: Date | null) => (at === null ? undefined : at.getTime() / 1000)

const exportTimes = (metrics: MonitorMetrics, { namespace, name: model, seenUpTo, joinedUpTo, cutoff }: WatchedModel) => {
  const times = [
    [metrics.seenUpTo, seconds(seenUpTo)],
    [metrics.joinedUpTo, seconds(joinedUpTo)],
    [metrics.ripeUpTo, seconds(cutoff)],
  ] as const
  for (const [gauge, value] of times) if (value !== undefined) gauge.set({ namespace, model }, value)
}

const exportChampion = async (db: Database, metrics: MonitorMetrics, watched: WatchedModel, top: number) => {
  const { namespace, name: model, champion, seenUpTo } = watched
  const applied = await appliedModel(db, namespace, model)
  if (champion === null || !applied) return
  const { monitor } = applied.model.spec
  const known = await findVersion(db, watched.model, champion)
  const windows = await lastWindows(db, watched.model, champion, 50)
  metrics.windowRows.set({ namespace, model }, windows.at(-1)?.rows ?? 0)
  if (known?.holdout)
    metrics.performance.set({ namespace, model, metric: known.holdout.metric, kind: 'holdout' }, known.holdout.value)
  const realised = windows.findLast(({ performance }) => performance !== null)
  if (realised?.performance) {
    const { metric, value, labelled, predictions } = realised.performance
    metrics.performance.set({ namespace, model, metric, kind: 'realised' }, value)
    metrics.unlabelled.set({ namespace, model }, 1 - labelled / Math.max(predictions, 1))
    const estimated = (realised.estimate as Record<string, number> | null)?.[metric]
    if (estimated !== undefined) metrics.performance.set({ namespace, model, metric, kind: 'estimated' }, estimated)
  }
  const closed = windows.findLast(({ to }) => isClosed(to.getTime(), monitor.window, seenUpTo?.getTime() ?? -Infinity))
  if (!closed || !known?.reference) return
  const features = measureWindow(closed.summary, known.reference)
  metrics.driftShare.set({ namespace, model }, driftShare(features, monitor.drift.size))
  for (const { name, measure, size } of features.slice(0, top))
    metrics.driftSize.set({ namespace, model, feature: name, measure }, size)
}

/** Sets the gauges from what is stored, so that every replica shows the same. Series of what is gone are gone too. */
export const exportMetrics = async (db: Database, metrics: MonitorMetrics, top: number): Promise<void> => {
  const { predictions: _p, refused: _r, joins: _j, ...gauges } = metrics
  for (const gauge of Object.values(gauges)) gauge.reset()
  for (const { namespace, model, type, open } of await countOpen(db)) metrics.findings.set({ namespace, model, type }, open)
  for (const watched of await allModels(db)) {
    exportTimes(metrics, watched)
    await exportChampion(db, metrics, watched, top)
  }
}
