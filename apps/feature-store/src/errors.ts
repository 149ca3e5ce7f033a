import { formatResourceError, type ResourceError } from '@cascata/resources'
import { defineError } from '@cascata/service'

export const viewNotFound = defineError<{ view: string }>({
  code: 'FS_VIEW_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ view }) => `There is no feature view ${view}.`,
  hint: '`cascata get views` lists them; `cascata apply -f` creates one.',
})
export const featureNotFound = defineError<{ feature: string; known: string[] }>({
  code: 'FS_FEATURE_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ feature }) => `There is no feature ${feature}.`,
  hint: ({ known }) => `A feature is written view:field. The view has ${known.slice(0, 20).join(', ')}.`,
})
export const resourcesInvalid = defineError<{ errors: readonly ResourceError[] }>({
  code: 'FS_RESOURCES_INVALID',
  status: 422,
  retry: false,
  message: ({ errors }) =>
    Array.isArray(errors) ? `The documents are wrong: ${formatResourceError(errors[0]!)}.` : 'The documents are wrong.',
  hint: 'Correct them: `details.errors` names line, column and field of each problem.',
})
export const viewRebuilding = defineError<{ view: string }>({
  code: 'FS_VIEW_REBUILDING',
  status: 503,
  retry: true,
  message: ({ view }) => `The online rows of ${view} are being rebuilt.`,
  hint: 'Try again in a moment: it is restored from its segments, and no answer is better than a wrong NOT_FOUND.',
})
export const onlineUnavailable = defineError({
  code: 'FS_ONLINE_UNAVAILABLE',
  status: 503,
  retry: true,
  message: 'The online store does not answer.',
  hint: 'Look at /readyz of the feature store: Redis is down or cannot be reached.',
})
export const entityMissing = defineError<{ view: string; field: string }>({
  code: 'FS_ENTITY_MISSING',
  status: 422,
  retry: false,
  message: ({ view, field }) => `The look-up lacks the entity field ${field}, which ${view} needs.`,
  hint: 'Give every field of the view’s entity as a list in `entities`.',
})
export const entityInvalid = defineError<{ field: string; index: number; problem: string }>({
  code: 'FS_ENTITY_INVALID',
  status: 422,
  retry: false,
  message: ({ field, index, problem }) => `Value ${index} of the entity field ${field} can't be a key: ${problem}.`,
  hint: 'Keys are never null, have the type of the view’s field, and at most 1 KiB.',
})
export const lookupInvalid = defineError<{ problem: string }>({
  code: 'FS_LOOKUP_INVALID',
  status: 422,
  retry: false,
  message: ({ problem }) => `The look-up is not well formed: ${problem}.`,
  hint: 'Send {"features": ["view:field"], "entities": {"field": [values]}} with lists of one length.',
})
export const lookupTooLarge = defineError<{ what: string; limit: number; setting: string }>({
  code: 'FS_LOOKUP_TOO_LARGE',
  status: 422,
  retry: false,
  message: ({ what, limit }) => `A look-up takes at most ${limit} ${what}.`,
  hint: ({ setting }) => `Ask in several requests. The limit is ${setting}.`,
})
export const featureNamesCollide = defineError<{ name: string }>({
  code: 'FS_FEATURE_NAMES_COLLIDE',
  status: 422,
  retry: false,
  message: ({ name }) => `Two columns of the answer would have the name ${name}.`,
  hint: 'Ask with "full_feature_names": true, which names a feature view__feature.',
})
export const featureServiceNotFound = defineError<{ service: string }>({
  code: 'FS_FEATURE_SERVICE_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ service }) => `There is no feature service ${service}.`,
  hint: 'A feature service is what a version reads: model@3, or model for the version that serves. `cascata status` shows them.',
})
export const timeInvalid = defineError<{ problem: string }>({
  code: 'FS_TIME_INVALID',
  status: 422,
  retry: false,
  message: ({ problem }) => `The time is not usable: ${problem}.`,
  hint: 'Write ISO 8601 with a zone, such as 2001-01-14T09:30:00Z; Cascata-At is at most 5 minutes ahead of the clock.',
})
export const notHalted = defineError<{ view: string }>({
  code: 'FS_VIEW_NOT_HALTED',
  status: 409,
  retry: false,
  message: ({ view }) => `View ${view} has no halted partition.`,
  hint: '`cascata get views` shows the state of each.',
})
export const replayRefused = defineError<{ view: string; reason: string }>({
  code: 'FS_REPLAY_REFUSED',
  status: 409,
  retry: false,
  message: ({ view, reason }) => `A replay of ${view} would lose rows: ${reason}.`,
  hint: 'The segments hold what the topic no longer has. Leave the view as it is.',
})
export const pushInvalid = defineError<{ problem: string }>({
  code: 'FS_PUSH_INVALID',
  status: 422,
  retry: false,
  message: ({ problem }) => `The push is not well formed: ${problem}.`,
  hint: 'Send {"push_source_name": "view", "df": {"column": [values]}} with columns of one length.',
})
export const pushSourceNotFound = defineError<{ source: string }>({
  code: 'FS_PUSH_SOURCE_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ source }) => `There is no feature view, and no topic of one, named ${source}.`,
  hint: 'A push names a view or the topic of some; `cascata get views` lists them.',
})
export const pushTooLarge = defineError<{ rows: number; limit: number; setting: string }>({
  code: 'FS_PUSH_TOO_LARGE',
  status: 422,
  retry: false,
  message: ({ rows, limit }) => `The push has ${rows} rows; at most ${limit} are taken at once.`,
  hint: ({ setting }) => `Push in several requests, or import a file. The limit is ${setting}.`,
})
export const pushRejected = defineError<{ view: string; rejected: number; rows: object[] }>({
  code: 'FS_PUSH_REJECTED',
  status: 422,
  retry: false,
  message: ({ view, rejected, rows }) => `${rejected} rows are none of ${view}, so nothing was pushed: ${firstReject(rows)}.`,
  hint: '`details.rows` names row, code and field of the first ones.',
})
const firstReject = (rows: unknown): string => {
  const [first] = (Array.isArray(rows) ? rows : []) as { row: number; code: string; field?: string; message?: string }[]
  if (!first) return 'row, code and field'
  return [`row ${first.row} ${first.code}`, first.field, first.message].filter((part) => part !== undefined).join(', ')
}
export const pushUnavailable = defineError({
  code: 'FS_PUSH_UNAVAILABLE',
  status: 503,
  retry: true,
  message: 'Kafka has not acknowledged the rows: they may be written or not.',
  hint: 'Push them again: rows that come twice count once.',
})
export const importNotFound = defineError<{ import: string }>({
  code: 'FS_IMPORT_NOT_FOUND',
  status: 404,
  retry: false,
  message: (details) => `There is no import ${details.import}.`,
  hint: 'POST /v1/imports answers with the id; `cascata import` does it all.',
})
export const importInvalid = defineError<{ problem: string }>({
  code: 'FS_IMPORT_INVALID',
  status: 422,
  retry: false,
  message: ({ problem }) => `The import is not well formed: ${problem}.`,
  hint: 'Send {"view", "files": [{"sha256", "name", "bytes", "format": "parquet", "csv" or "ndjson"}]}.',
})
export const importTooLarge = defineError<{ bytes: number; limit: number }>({
  code: 'FS_IMPORT_TOO_LARGE',
  status: 422,
  retry: false,
  message: ({ bytes, limit }) => `The files have ${bytes} bytes; an import takes at most ${limit}.`,
  hint: 'Import in several steps. The limit is FEATURE_STORE_MAX_IMPORT.',
})
export const importOffset = defineError<{ offset: number; received: number; bytes: number }>({
  code: 'FS_IMPORT_OFFSET',
  status: 409,
  retry: false,
  message: ({ offset, received, bytes }) => `A piece at ${offset} does not follow: ${received} of ${bytes} bytes are here.`,
  hint: 'Go on at `details.received`.',
})
export const importUnreadable = defineError<{ file: string; problem: string }>({
  code: 'FS_IMPORT_UNREADABLE',
  status: 422,
  retry: false,
  message: ({ file, problem }) => `${file} is not rows of the view: ${problem}.`,
  hint: 'Nothing of the import was kept. Correct the file and import again.',
})
export const importRejected = defineError<{ rejected: number; limit: number }>({
  code: 'FS_IMPORT_REJECTED',
  status: 422,
  retry: false,
  message: ({ rejected, limit }) => `${rejected} rows or more are refused, and ${limit} are allowed.`,
  hint: 'Nothing of the import was kept. Look at the rows that it lists; `--max-rejects` allows more.',
})
export const importBroken = defineError({
  code: 'FS_IMPORT_BROKEN',
  status: 422,
  retry: false,
  message: 'The process that reads the file died of it again and again.',
  hint: 'It may unpack to more than FEATURE_STORE_IMPORT_MEMORY: write it with smaller row groups, or split it.',
})
export const modelNotFound = defineError<{ model: string }>({
  code: 'FS_MODEL_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ model }) => `There is no model ${model}.`,
  hint: '`cascata get models` lists them; `cascata apply -f` creates one.',
})
export const datasetNotFound = defineError<{ dataset: string }>({
  code: 'FS_DATASET_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ dataset }) => `There is no dataset ${dataset}.`,
  hint: 'POST /v1/datasets answers with the id of a new one.',
})
export const datasetNotBuilt = defineError<{ dataset: string; state: string }>({
  code: 'FS_DATASET_NOT_BUILT',
  status: 409,
  retry: true,
  message: ({ dataset, state }) => `Dataset ${dataset} is ${state}.`,
  hint: 'GET /v1/datasets/{id} shows its progress, or why it failed.',
})
export const datasetRange = defineError<{ bytes: number }>({
  code: 'FS_DATASET_RANGE',
  status: 416,
  retry: false,
  message: ({ bytes }) => `The dataset has no such part: its file has ${bytes} bytes.`,
  hint: 'Ask for bytes within it, or for the whole file without the header Range.',
})
export const datasetInvalid = defineError<{ problem: string }>({
  code: 'FS_DATASET_INVALID',
  status: 422,
  retry: false,
  message: ({ problem }) => `The dataset can't be built as asked: ${problem}.`,
  hint: 'Send {"model": "ns/name"}, or {"features": […], "label"?, "spine": sha256} after PUT /v1/spines.',
})
export const datasetInputBehind = defineError<{ view: string; missing: number; waited: string }>({
  code: 'FS_DATASET_INPUT_BEHIND',
  status: 503,
  retry: true,
  message: ({ view, missing, waited }) =>
    `View ${view} still has ${missing} records to read that the snapshot needs, after ${waited}.`,
  hint: ({ view }) => `Look at \`cascata get view ${view}\`: is it halted, or slow? The wait is FEATURE_STORE_DATASET_WAIT.`,
})
export const datasetEmpty = defineError<{ reason: string }>({
  code: 'FS_DATASET_EMPTY',
  status: 422,
  retry: false,
  message: ({ reason }) => `The dataset has no rows to train on: ${reason}.`,
  hint: 'Rows are used once the watermark of the label’s view has passed their `at` by `within`.',
})
export const datasetBroken = defineError({
  code: 'FS_DATASET_BROKEN',
  status: 500,
  retry: true,
  message: 'Building the dataset failed again and again.',
  hint: 'The log of the feature store has the cause: ./cascata logs feature-store.',
})
export const erasureInvalid = defineError<{ problem: string }>({
  code: 'FS_ERASURE_INVALID',
  status: 422,
  retry: false,
  message: ({ problem }) => `The entity can't be erased as asked: ${problem}.`,
  hint: 'Send {"key": {"field": value, …}} with every field of the view’s entity, and nothing else.',
})
export const viewBuilding = defineError<{ view: string }>({
  code: 'FS_VIEW_BUILDING',
  status: 409,
  retry: true,
  message: ({ view }) => `View ${view} is being built: its entity or its aggregations have changed.`,
  hint: 'Its rows are written anew from its segments; `cascata get view` shows when it is active again.',
})
export const spineNotFound = defineError<{ spine: string }>({
  code: 'FS_SPINE_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ spine }) => `There is no spine ${spine}.`,
  hint: 'PUT /v1/spines with the file first; it answers with the sha256 to use.',
})
export const spineInvalid = defineError<{ problem: string }>({
  code: 'FS_SPINE_INVALID',
  status: 422,
  retry: false,
  message: ({ problem }) => `The spine is not usable: ${problem}.`,
  hint: 'A spine is a Parquet or CSV file with entity columns and a column `at` of instants (CSV: ISO 8601 with zone) without nulls.',
})
