import { z } from 'zod'

/** int64 and double of protobuf's JSON, which say large and special ones as text: handed on as they came. */
const number = z.union([z.number(), z.string().max(40)])
const pairs = z.array(z.object({ key: z.string(), value: z.string().default('') })).default([])
const id = z.string().min(1).max(200)
const page = { next_page_token: z.string().optional() }
const point = z.object({ key: z.string(), value: number, timestamp: number.default(0), step: number.default(0) })

export const experimentPage = z.object({
  ...page,
  experiments: z
    .array(z.object({ experiment_id: id, name: z.string(), lifecycle_stage: z.string().default('active'), tags: pairs }))
    .default([]),
})
export type Experiment = z.infer<typeof experimentPage>['experiments'][number]

const info = z.object({
  run_id: id,
  run_name: z.string().default(''),
  experiment_id: z.string().default(''),
  user_id: z.string().default(''),
  status: z.string(),
  start_time: number.optional(),
  end_time: number.optional(),
  artifact_uri: z.string().default(''),
  lifecycle_stage: z.string().default('active'),
})
const data = z.object({ metrics: z.array(point).default([]), params: pairs, tags: pairs }).prefault({})
export const wholeRun = z.object({
  info,
  data,
  inputs: z.object({ dataset_inputs: z.array(z.object({ tags: pairs, dataset: z.looseObject({}) })).default([]) }).prefault({}),
  outputs: z.object({ model_outputs: z.array(z.object({ model_id: id, step: number.default(0) })).default([]) }).prefault({}),
})
export const oneRun = z.object({ run: wholeRun })
export type Run = z.infer<typeof wholeRun>

/** Runs as far as an import has to know them before it copies them. */
export const runPage = z.object({
  ...page,
  runs: z
    .array(
      z.object({
        info: info.pick({ run_id: true, lifecycle_stage: true }),
        data: z.object({ tags: pairs }).prefault({}),
      }),
    )
    .default([]),
})

export const historyPage = z.object({ ...page, metrics: z.array(point).default([]) })
export type Point = z.infer<typeof point>

export const filePage = z.object({
  ...page,
  files: z.array(z.object({ path: z.string(), is_dir: z.boolean().default(false), file_size: number.default(0) })).default([]),
})

const loggedModel = z.object({
  info: z.object({
    model_id: id,
    experiment_id: z.string().default(''),
    name: z.string().default(''),
    model_type: z.string().default(''),
    source_run_id: z.string().default(''),
    status: z.union([z.string(), z.number()]).default('LOGGED_MODEL_READY'),
    tags: pairs,
    artifact_uri: z.string().default(''),
  }),
  data: z
    .object({
      params: pairs,
      metrics: z
        .array(point.extend({ run_id: id, dataset_name: z.string().optional(), dataset_digest: z.string().optional() }))
        .default([]),
    })
    .prefault({}),
})
export type LoggedModel = z.infer<typeof loggedModel>
export const oneLoggedModel = z.object({ model: loggedModel })
export const loggedModelPage = z.object({ ...page, models: z.array(loggedModel).default([]) })

export const modelPage = z.object({
  ...page,
  registered_models: z
    .array(
      z.object({
        name: z.string(),
        description: z.string().default(''),
        tags: pairs,
        aliases: z.array(z.object({ alias: z.string(), version: z.string() })).default([]),
      }),
    )
    .default([]),
})
export type RegisteredModel = z.infer<typeof modelPage>['registered_models'][number]

const version = z.object({
  name: z.string(),
  version: z.string(),
  source: z.string().default(''),
  run_id: z.string().default(''),
  description: z.string().default(''),
  current_stage: z.string().default('None'),
  tags: pairs,
})
export const versionPage = z.object({ ...page, model_versions: z.array(version).default([]) })
export type ModelVersion = z.infer<typeof version>
