import { type FindingType } from '@cascata/events'

/** A window that a judgement rests on. */
export interface JudgedWindow {
  readonly from: number
  readonly to: number
  readonly rows: number
}

/** An input that a judgement names. Anomalies bear TFDV's names. */
export interface JudgedFeature {
  readonly name: string
  readonly size: number | null
  readonly measure?: string
  readonly anomaly?: string
  /** Its part of the model, all inputs together 1. */
  readonly importance?: number
}

/** What is known about one kind of finding of one version: it is there, it is not, or the rows don't tell. */
export type Judgement =
  | { readonly is: 'unknown' }
  | { readonly is: 'good'; readonly measure: string; readonly size: number | null; readonly threshold: number | null }
  | {
      readonly is: 'bad'
      readonly measure: string
      readonly size: number | null
      readonly threshold: number | null
      readonly windows: readonly JudgedWindow[]
      readonly features: readonly JudgedFeature[]
      /** Figures for readers, and for whoever replays the decision. */
      readonly evidence: Readonly<Record<string, unknown>>
    }

/** The kinds that the monitor judges; gaps and freshness of views are the feature store's. */
export type JudgedType = Exclude<FindingType, 'data-gap' | 'freshness'>

export const unknown: Judgement = { is: 'unknown' }

/** How far a share may be off by chance alone: three standard deviations of `rows` draws, and of the reference's. */
export const chance = (share: number, rows: number): number => 3 * Math.sqrt((Math.max(share, 1 / rows) * (1 - share)) / rows)
