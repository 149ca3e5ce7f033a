import { z } from 'zod'

/**
 * The file that a trainer of any language reads (its path is in `CASCATA_JOB`): what to train on, and where to put the result.
 * The holdout is never in it.
 */
export const jobFile = z.object({
  run: z.string(),
  attempt: z.int(),
  task: z.enum(['binary', 'multiclass', 'regression']),
  /** Parquet files. With `refit`, `train` holds every row and `validation` is empty. */
  dataset: z.object({ train: z.array(z.string()), validation: z.array(z.string()) }),
  columns: z.array(z.object({ name: z.string(), type: z.string(), role: z.enum(['feature', 'label', 'at', 'key']) })),
  label: z.string(),
  /** How much history to train on: `auto` tries several windows and keeps the best, `all` takes every row given. */
  rows: z.object({ history: z.enum(['auto', 'all']) }).default({ history: 'all' }),
  params: z.record(z.string(), z.unknown()),
  seed: z.int(),
  /** Folder for model.onnx, metrics.json, signature.json, golden.json. */
  output: z.string(),
  progress: z.object({ url: z.string(), token: z.string() }).nullable(),
  /** null: a first fit. Else what the first fit wrote as `fitted` in metrics.json: fit the same once more. */
  refit: z.object({ fitted: z.record(z.string(), z.unknown()) }).nullable(),
})

export type JobFile = z.infer<typeof jobFile>
