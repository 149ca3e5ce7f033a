import { type ColumnProfile, importanceWeights } from '@cascata/statistics'
import { z } from 'zod'
import { type Reference } from '../windows/window.ts'

const numbers = z.array(z.number())

const numeric = z.looseObject({
  kind: z.literal('numeric'),
  rows: z.number(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  mean: z.number().nullable(),
  std: z.number().nullable(),
  histogram: z.object({
    kind: z.literal('numeric'),
    edges: numbers.min(2),
    counts: numbers,
    sums: numbers,
    nulls: z.number(),
    nans: z.number(),
  }),
})

const categorical = z.looseObject({
  kind: z.literal('categorical'),
  rows: z.number(),
  histogram: z.object({
    kind: z.literal('categorical'),
    categories: z.array(z.string()),
    counts: numbers,
    other: z.number(),
    nulls: z.number(),
  }),
})

const column = z.discriminatedUnion('kind', [numeric, categorical])
const importance = z.union([z.record(z.string(), z.number()), z.array(z.object({ feature: z.string(), drop: z.number() }))])

const isColumn = (value: unknown): value is ColumnProfile => column.safeParse(value).success

/**
 * What a version's profile says about its inputs; null when it says nothing that windows can be compared with. Columns that are no profile
 * are left out, as are keys that nobody here knows.
 */
export const parseProfile = (profile: unknown): Reference | null => {
  if (typeof profile !== 'object' || profile === null) return null
  const {
    columns = profile,
    importance: weights,
    scores,
  } = profile as { columns?: object; importance?: unknown; scores?: unknown }
  const known = Object.entries(columns).filter((entry): entry is [string, ColumnProfile] => isColumn(entry[1]))
  if (known.length === 0) return null
  const parsed = importance.safeParse(weights)
  return {
    columns: Object.fromEntries(known),
    importance: !parsed.success ? {} : Array.isArray(parsed.data) ? importanceWeights(parsed.data) : parsed.data,
    scores: isColumn(scores) ? scores.histogram : null,
  }
}
