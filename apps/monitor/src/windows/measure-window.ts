import {
  type ColumnProfile,
  type Histogram,
  histogramJensenShannon,
  histogramWasserstein,
  jensenShannonNoise,
  nullRate,
  outsideShare,
  presentIn,
  rowsIn,
  wassersteinNoise,
} from '@cascata/statistics'
import { type Reference, type WindowSummary } from './window.ts'

export type Measure = 'jensen-shannon' | 'wasserstein-normed'

/** How one input of a window stands to the training profile. */
export interface FeatureMeasure {
  readonly name: string
  readonly measure: Measure
  /** The distance, as monitoring tools have it. */
  readonly size: number
  /** What of it chance alone gives with so few rows. */
  readonly noise: number
  /** The size without the noise: what decisions are made on. */
  readonly effect: number
  /** Its part of the model, all inputs together 1. */
  readonly weight: number
  readonly rows: number
  readonly nullRate: number
  readonly referenceNullRate: number
  /** Share of the values outside of the range or the categories of the profile. */
  readonly outside: number
  readonly referenceOutside: number
}

/** How far above its mean the distance of many categories goes by chance, in nearly every window. */
const CHANCE_REACH = 1.3

const distance = (profile: ColumnProfile, current: Histogram): Pick<FeatureMeasure, 'measure' | 'size' | 'noise' | 'effect'> => {
  const rows = presentIn(current)
  if (profile.kind === 'numeric' && current.kind === 'numeric') {
    const std = Math.max(profile.std ?? 0, 1e-3)
    const size = histogramWasserstein(profile.histogram, current) / std
    const noise = wassersteinNoise(profile.histogram, rows) / std
    return { measure: 'wasserstein-normed', size, noise, effect: Math.max(0, size - noise) }
  }
  const size = histogramJensenShannon(profile.histogram, current)
  const noise = jensenShannonNoise(profile.histogram, rows)
  return { measure: 'jensen-shannon', size, noise, effect: Math.sqrt(Math.max(0, size * size - (CHANCE_REACH * noise) ** 2)) }
}

const weightsOf = (names: readonly string[], { importance }: Reference): Record<string, number> => {
  const known = names.map((name) => importance[name] ?? 0)
  const total = known.reduce((sum, weight) => sum + weight, 0)
  return Object.fromEntries(names.map((name, i) => [name, total > 0 ? known[i]! / total : 1 / names.length]))
}

/** Measures every input that has values on both sides; greatest effect first. */
export const measureWindow = ({ features }: Pick<WindowSummary, 'features'>, reference: Reference): FeatureMeasure[] => {
  const names = Object.keys(features).filter((name) => reference.columns[name])
  const weights = weightsOf(names, reference)
  return names
    .map((name): FeatureMeasure => {
      const profile = reference.columns[name]!
      const current = features[name]!
      const comparable = presentIn(current) > 0 && presentIn(profile.histogram) > 0
      const measured = comparable
        ? distance(profile, current)
        : {
            measure: profile.kind === 'numeric' ? ('wasserstein-normed' as const) : ('jensen-shannon' as const),
            size: 0,
            noise: 0,
            effect: 0,
          }
      return {
        name,
        ...measured,
        weight: weights[name]!,
        rows: rowsIn(current),
        nullRate: nullRate(current),
        referenceNullRate: nullRate(profile.histogram),
        outside: outsideShare(current),
        referenceOutside: outsideShare(profile.histogram),
      }
    })
    .sort((a, b) => b.effect - a.effect)
}
