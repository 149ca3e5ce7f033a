/** What was measured of a candidate on the withheld holdout, by the platform itself. Written as JSON by the process that measures. */
export interface Figures {
  /** The rows: how many, from when to when, and a hash over their scores' order (dataset hash and part). */
  holdout: Rows
  candidate: Measured
  champion: ChampionFigures | null
}

export interface Rows {
  rows: number
  rowsHash: string
  from: string
  to: string
}

export interface Ranged {
  value: number
  interval: readonly [number, number]
}

export type Measured = { is: 'refused'; code: string; message: string } | MeasuredModel

export interface MeasuredModel {
  is: 'measured'
  /** Every metric of the task. */
  metrics: Record<string, number>
  /** The gate's metric, with its bootstrap interval. */
  metric: Ranged
  /** How much better than always the same answer, by the gate's metric; positive is better. */
  overBaseline: Ranged
  /** Rows with an answer that is no finite number. */
  unusable: number
  fairness: { by: string; value: number; groups: number; largest: Record<string, number> }[]
  latencyMs: { p50: number; p99: number; rows: number }
  bytes: number
  golden: { rows: number; worst: number; tolerance: number }
  inputs: { name: string; type: string }[]
  /** Mean drop of the metric when a feature's values are shuffled; greatest first. */
  importance: { feature: string; drop: number }[]
}

/** The version that serves, on the rows later than both cutoffs and the embargo. */
export type ChampionFigures = { version: string } & (
  | { is: 'compared'; rows: Rows; candidate: number; champion: number; improvement: Ranged }
  | { is: 'incomparable'; reason: string; rows: number }
)

/** One gate of the evidence. */
export interface Gate {
  gate: string
  passed: boolean
  value: number | string | null
  interval?: readonly [number, number]
  bound: number | string | null
  rows: number
  rowsHash: string
  note?: string
}
