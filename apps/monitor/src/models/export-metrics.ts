import { type Database } from '@cascata/messaging'
import { type Gauge } from 'prom-client'
import { driftShare } from '../findings/decide-drift.ts'
import { skewShares } from '../findings/decide-skew.ts'
import { countOpen } from '../findings/findings.store.ts'
import { type MonitorMetrics } from '../metrics.ts'
import { findVersion } from '../versions/versions.store.ts'
import { measureWindow } from '../windows/measure-window.ts'
import { isClosed } from '../windows/window.ts'
import { labelledWindows, type LabelledWindow, lastWindows } from '../windows/windows.store.ts'
import { allModels, type WatchedModel } from './models.store.ts'
import { appliedModel } from './spec-of.ts'

type GaugeName = Exclude<keyof MonitorMetrics, 'predictions' | 'refused' | 'joins'>

/** One value of one series. */
type Point = readonly [gauge: GaugeName, labels: Readonly<Record<string, string>>, value: number]

const gauges = [
  'findings',
  'driftSize',
  'driftShare',
  'performance',
  'skew',
  'skewCompared',
  'unlabelled',
  'windowRows',
  'seenUpTo',
  'joinedUpTo',
  'ripeUpTo',
] as const satisfies readonly GaugeName[]

const timesOf = ({ namespace, name: model, ...watched }: WatchedModel): Point[] => {
  const times = { seenUpTo: watched.seenUpTo, joinedUpTo: watched.joinedUpTo, ripeUpTo: watched.cutoff }
  return Object.entries(times).flatMap(([gauge, at]): Point[] =>
    at ? [[gauge as GaugeName, { namespace, model }, at.getTime() / 1000]] : [],
  )
}

const performanceOf = (labels: Readonly<Record<string, string>>, windows: readonly LabelledWindow[]): Point[] => {
  const realised = windows.findLast(({ performance }) => performance !== null)
  if (!realised?.performance) return []
  const { metric, value, labelled, predictions } = realised.performance
  const estimated = (realised.estimate as Record<string, number> | null)?.[metric]
  return [
    ['performance', { ...labels, metric, kind: 'realised' }, value],
    ['unlabelled', labels, 1 - labelled / Math.max(predictions, 1)],
    ...(estimated === undefined ? [] : [['performance', { ...labels, metric, kind: 'estimated' }, estimated] as const]),
  ]
}

const skewOf = (labels: Readonly<Record<string, string>>, windows: readonly LabelledWindow[], top: number): Point[] => {
  const shares = windows.map(({ joined }) => skewShares(joined?.skew ?? {}, 1)).findLast(({ length }) => length > 0)
  if (!shares) return []
  return [
    ['skewCompared', labels, Math.max(...shares.map(({ compared }) => compared))],
    ...shares.slice(0, top).map(({ name, size }): Point => ['skew', { ...labels, feature: name }, size]),
  ]
}

const championOf = async (db: Database, watched: WatchedModel, top: number): Promise<Point[]> => {
  const { namespace, name: model, champion, seenUpTo } = watched
  const applied = await appliedModel(db, namespace, model)
  if (champion === null || !applied) return []
  const labels = { namespace, model }
  const { monitor } = applied.model.spec
  const known = await findVersion(db, watched.model, champion)
  const windows = await lastWindows(db, watched.model, champion, 3)
  const labelled = await labelledWindows(db, watched.model, champion, 3)
  const points: Point[] = [
    ['windowRows', labels, windows.at(-1)?.rows ?? 0],
    ...performanceOf(labels, labelled),
    ...skewOf(labels, labelled, top),
  ]
  if (known?.holdout)
    points.push(['performance', { ...labels, metric: known.holdout.metric, kind: 'holdout' }, known.holdout.value])
  const closed = windows.findLast(({ to }) => isClosed(to.getTime(), monitor.window, seenUpTo?.getTime() ?? -Infinity))
  if (!closed || !known?.reference) return points
  const features = measureWindow(closed.summary, known.reference)
  points.push(['driftShare', labels, driftShare(features, monitor.drift.size)])
  for (const { name, measure, size } of features.slice(0, top))
    points.push(['driftSize', { ...labels, feature: name, measure }, size])
  return points
}

/**
 * Sets the gauges from what is stored, so that every replica shows the same. Series of what is gone are gone too; a scrape sees all of the old
 * or all of the new.
 */
export const exportMetrics = async (db: Database, metrics: MonitorMetrics, top: number): Promise<void> => {
  const open = await countOpen(db)
  const points = open.map(({ namespace, model, type, open: count }): Point => ['findings', { namespace, model, type }, count])
  for (const watched of await allModels(db)) points.push(...timesOf(watched), ...(await championOf(db, watched, top)))
  for (const name of gauges) metrics[name].reset()
  for (const [name, labels, value] of points) (metrics[name] as Gauge).set(labels, value)
}
