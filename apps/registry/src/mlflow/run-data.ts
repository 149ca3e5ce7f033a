import { z } from 'zod'
import { resourceDoesNotExist } from '../errors.ts'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { logTags, writeBatch } from './run-data.store.ts'
import { findActiveRun, getActiveRun } from './runs.store.ts'
import { alone, type Batch, checkBatch, inBatch, type Placed } from './validate-batch.ts'
import { double, int64, keyValue, opaqueId, refuse, runOf, runRef, text } from './wire.ts'

const point = z.object({
  key: text,
  value: double,
  timestamp: int64,
  step: int64.default(0),
  model_id: opaqueId.optional(),
  dataset_name: text.max(500).optional(),
  dataset_digest: text.max(36).optional(),
})
const nothing: Batch = { metrics: [], params: [], tags: [] }

const batch = z.object({
  ...runRef,
  metrics: z.array(point).default([]),
  params: z.array(keyValue).default([]),
  tags: z.array(keyValue).default([]),
})

const input = z.object({
  tags: z.array(keyValue).default([]),
  dataset: z.object({
    name: text.min(1).max(500),
    digest: text.min(1).max(36),
    source_type: text.default(''),
    source: text.default(''),
    schema: text.max(1_048_575).optional(),
    profile: text.max(16_777_215).optional(),
  }),
})

const inputs = z.object({ ...runRef, datasets: z.array(input).max(1_000).default([]) })
const outputs = z.object({
  ...runRef,
  models: z
    .array(z.object({ model_id: opaqueId, step: int64.default(0) }))
    .max(1_000)
    .default([]),
})

const historyTag = 'mlflow.log-model.history'
const longestTag = 8_000

const modelInfo = (text: string): object => {
  try {
    const model: unknown = JSON.parse(text)
    if (typeof model === 'object' && model !== null) return model
  } catch {
    // Falls through to the refusal below.
  }
  return refuse(`Malformed model info. \n ${text.slice(0, 200)} \n is not JSON.`)
}

/** The models that the tag lists; none when somebody wrote anything else there. */
const modelsIn = (tag: string | undefined): unknown[] => {
  try {
    const models: unknown = JSON.parse(tag ?? '[]')
    return Array.isArray(models) ? models : []
  } catch {
    return []
  }
}

/** Metrics, params, tags, inputs and outputs of runs. A batch is written whole or not at all. */
export const runDataEndpoints = ({ db }: Tracking): Endpoint[] => {
  const log = async (run: string, given: Batch, placed: Placed): Promise<object> => {
    const batch = checkBatch(given, placed)
    await findActiveRun(db, run)
    const written = await writeBatch(db, run, batch, { alone: placed === alone })
    if (!written) await findActiveRun(db, run)
    return {}
  }

  const logInputs = async (asked: z.infer<typeof inputs>): Promise<object> =>
    db.transaction(async (tx) => {
      const { run_id } = await getActiveRun(tx, runOf(asked))
      for (const { dataset, tags } of asked.datasets) {
        await tx.query(
          `insert into run_input (run_id, digest, name, dataset, tags) values ($1, $2, $3, $4, $5)
           on conflict (run_id, name, digest) do update set tags = run_input.tags || excluded.tags`,
          [
            run_id,
            dataset.digest,
            dataset.name,
            JSON.stringify(dataset),
            JSON.stringify(Object.fromEntries(tags.map(({ key, value }) => [key, value]))),
          ],
        )
      }
      return {}
    })

  const logOutputs = async (asked: z.infer<typeof outputs>): Promise<object> =>
    db.transaction(async (tx) => {
      const { run_id } = await getActiveRun(tx, runOf(asked))
      await tx.query(
        `insert into run_output (run_id, model_id, step) select $1, * from unnest($2::text[], $3::bigint[])
         on conflict (run_id, model_id) do update set step = excluded.step`,
        [run_id, asked.models.map(({ model_id }) => model_id), asked.models.map(({ step }) => step)],
      )
      return {}
    })

  /** Adds a model to the run's list of models, which is one of its tags; the oldest make room. */
  const logModel = async (asked: {
    run_id?: string | undefined
    run_uuid?: string | undefined
    model_json: string
  }): Promise<object> => {
    const model = modelInfo(asked.model_json)
    return db.transaction(async (tx) => {
      const { run_id } = await getActiveRun(tx, runOf(asked))
      const [kept] = await tx.query<{ value: string }>('select value from run_tag where run_id = $1 and key = $2', [
        run_id,
        historyTag,
      ])
      const models = [...modelsIn(kept?.value), model]
      while (JSON.stringify(models).length > longestTag && models.length > 0) models.shift()
      await logTags(tx, run_id, [{ key: historyTag, value: JSON.stringify(models) }])
      return {}
    })
  }

  const deleteTag = async (asked: { run_id?: string | undefined; run_uuid?: string | undefined; key: string }): Promise<object> =>
    db.transaction(async (tx) => {
      const { run_id } = await getActiveRun(tx, runOf(asked))
      const gone = await tx.query('delete from run_tag where run_id = $1 and key = $2 returning 1 as one', [run_id, asked.key])
      if (gone.length === 0) throw resourceDoesNotExist({ message: `No tag with name: ${asked.key} in run with id ${run_id}` })
      return {}
    })

  const tagged = z.object({ ...runRef, ...keyValue.shape })
  return [
    endpoint('POST', 'runs/log-batch', 'trainer', batch, (asked) => log(runOf(asked), asked, inBatch)),
    endpoint('POST', 'runs/log-metric', 'trainer', z.object({ ...runRef, ...point.shape }), (asked) =>
      log(runOf(asked), { ...nothing, metrics: [asked] }, alone),
    ),
    endpoint('POST', 'runs/log-parameter', 'trainer', tagged, (asked) =>
      log(runOf(asked), { ...nothing, params: [asked] }, alone),
    ),
    endpoint('POST', 'runs/set-tag', 'trainer', tagged, (asked) => log(runOf(asked), { ...nothing, tags: [asked] }, alone)),
    endpoint('POST', 'runs/delete-tag', 'trainer', z.object({ ...runRef, key: text }), deleteTag),
    endpoint('POST', 'runs/log-inputs', 'trainer', inputs, logInputs),
    endpoint('POST', 'runs/outputs', 'trainer', outputs, logOutputs),
    endpoint('POST', 'runs/log-model', 'trainer', z.object({ ...runRef, model_json: text }), logModel),
  ]
}
