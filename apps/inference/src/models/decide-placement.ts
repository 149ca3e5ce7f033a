import { type TrialReport } from './host-messages.ts'

/** `inline`: small batches run in this process. `host`: every run goes to the process with a memory limit. */
export type Placement = 'inline' | 'host'

export interface PlacementLimits {
  /** Longest that loading a session may block requests, in ms. */
  loadMs: number
  /** Longest that a run may block requests, in ms. */
  runMs: number
}

/** Operators that make tensors as large as a value of the request says. */
const sizedByValue = new Set(['ConstantOfShape', 'Expand', 'NonZero', 'OneHot', 'Pad', 'Range', 'Resize', 'Tile', 'Upsample'])

/** Where a model runs: loading and running block the event loop, so what is slow or may grow without bound stays out of this process. */
export function decidePlacement(report: Pick<TrialReport, 'operators' | 'loadMs' | 'runMs'>, limits: PlacementLimits): Placement {
  if (report.operators.some((operator) => sizedByValue.has(operator))) return 'host'
  if (report.loadMs > limits.loadMs) return 'host'
  return report.runMs > limits.runMs ? 'host' : 'inline'
}

/** Rows from which a batch of an inline model goes to the other process, by what the trial measured. */
export const inlineRows = ({ runMs, rowMs }: Pick<TrialReport, 'runMs' | 'rowMs'>, limits: PlacementLimits): number =>
  rowMs <= 0 ? 10_000 : Math.max(1, Math.floor((limits.runMs - runMs) / rowMs) + 1)
