import type { BackingUrls } from '@cascata/testing'

/** What a benchmark gets. */
export interface BenchContext {
  /** Backing services that nobody else uses while it runs. */
  urls: BackingUrls
  /** An empty folder, deleted afterwards. */
  home: string
  /** As large as the aims name: takes minutes. */
  full: boolean
  /** Tells a person how far it is. */
  say(line: string): void
}

/** Figures by name; the name ends in the unit: `hop_p50_ms`, `drain_per_s`, `rss_max_mib`. */
export type Metrics = Record<string, number>

/** A benchmark: a module in this folder. */
export interface Bench {
  /** One line for people. */
  title: string
  /** What is aimed at, by metric: shown beside the figure. */
  aims?: Record<string, { atMost?: number; atLeast?: number }>
  run(context: BenchContext): Promise<{ metrics: Metrics }>
}

/** The quantile of sorted or unsorted samples, nearest rank. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN
}

/** Unix milliseconds with a fraction: comparable between processes of one machine. */
export const preciseNow = () => performance.timeOrigin + performance.now()
