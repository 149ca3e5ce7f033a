import { z } from 'zod'

/** A number, or null for what JSON could not hold. */
const figure = z.number().nullable().catch(null)
const ranged = z.object({ value: figure, interval: z.tuple([figure, figure]) })

const measured = z.object({
  is: z.literal('measured'),
  metrics: z.record(z.string(), figure).default({}),
  metric: ranged.optional(),
  overBaseline: ranged.optional(),
  fairness: z
    .array(z.object({ by: z.string(), value: figure, groups: figure, largest: z.record(z.string(), figure) }))
    .default([]),
  latencyMs: z.object({ p50: figure, p99: figure, rows: figure }).optional(),
  bytes: figure.optional(),
  importance: z.array(z.object({ feature: z.string(), drop: figure })).default([]),
})

const gate = z.looseObject({
  gate: z.string(),
  passed: z.boolean(),
  value: z.union([figure, z.string()]).nullish(),
  interval: z.tuple([figure, figure]).nullish(),
  bound: z.union([figure, z.string()]).nullish(),
  rows: figure.nullish(),
  note: z.string().nullish(),
})

/** What the gates found, as far as the registry reads it: written by the dispatcher, and hostile like everything from outside. */
export const evidence = z.looseObject({
  gates: z.array(gate).max(1_000).default([]),
  comparison: z.string().nullish(),
  why: z.string().nullish(),
  figures: z
    .looseObject({
      holdout: z.looseObject({ rows: figure, from: z.string().nullish(), to: z.string().nullish() }).optional(),
      candidate: z.union([measured, z.looseObject({ is: z.string() })]).optional(),
    })
    .nullish(),
})
export type Evidence = z.infer<typeof evidence>
export type MeasuredModel = z.infer<typeof measured>

/** The figures of the candidate; undefined when nothing was measured. */
export const measuredIn = (found: Evidence | null): MeasuredModel | undefined => {
  const candidate = measured.safeParse(found?.figures?.candidate)
  return candidate.success ? candidate.data : undefined
}
