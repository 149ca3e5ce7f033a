import { type RouteNotes } from '@cascata/service'
import * as errors from './errors.ts'

const json = 'application/json'
const lookUp = [
  errors.lookupInvalid,
  errors.lookupTooLarge,
  errors.entityMissing,
  errors.entityInvalid,
  errors.viewNotFound,
  errors.featureNotFound,
  errors.featureServiceNotFound,
  errors.viewBuilding,
  errors.viewRebuilding,
  errors.onlineUnavailable,
]
const push = [errors.pushInvalid, errors.pushTooLarge, errors.pushRejected, errors.pushSourceNotFound, errors.pushUnavailable]

/** What each route does, for `/openapi.json` and docs/api.md. */
export const api: RouteNotes = {
  'GET /v1/views': { does: 'Feature views with their state.' },
  'GET /v1/views/{namespace}/{name}': {
    does: 'A view: its revision, partitions and offsets, watermark, counts, and what it is made of.',
    errors: [errors.viewNotFound],
  },
  'GET /v1/views/{namespace}/{name}/rejected': {
    does: 'The newest rows that were rejected, with reasons.',
    errors: [errors.viewNotFound],
  },
  'GET /v1/views/{namespace}/{name}/rows': {
    does: 'Its offline rows as Parquet, by event time (ISO 8601).',
    query: ['from', 'to'],
    errors: [errors.viewNotFound, errors.timeInvalid],
  },
  'POST /v1/views/{namespace}/{name}/resume': {
    does: 'Lets a halted view read on.',
    errors: [errors.viewNotFound, errors.notHalted],
  },
  'POST /v1/views/{namespace}/{name}/replay': {
    does: 'Reads its topic again: all of it, or from a time or from offsets on.',
    body: [json, '`from?`: `earliest`, a time (ISO 8601), or an offset by partition'],
    errors: [errors.viewNotFound, errors.replayRefused, errors.timeInvalid],
  },
  'POST /v1/views/{namespace}/{name}/rebuild': {
    does: 'Writes its online rows again from the segments.',
    errors: [errors.viewNotFound],
  },
  'POST /v1/features': {
    does: 'Looks features up: `values` and `statuses` by entity. With `Accept: application/vnd.msgpack` in MessagePack.',
    body: [json, '`features` (`view:field`) or `feature_service`, `entities` (a list for each key), `namespace?`'],
    errors: lookUp,
  },
  'POST /get-online-features': {
    does: 'The same as Feast’s SDK asks it.',
    body: [json, 'as in [From Feast](from-feast.md)'],
    errors: [...lookUp, errors.featureNamesCollide],
  },
  'POST /push': {
    does: 'Rows over HTTP, as Feast sends them; answered when they are durable.',
    body: [json, '`push_source_name`, `df` (a list for each column), `project?`'],
    errors: push,
  },
  'POST /write-to-online-store': {
    does: 'The same, by the name of a view.',
    body: [json, '`feature_view_name`, `df`, `project?`'],
    errors: push,
  },
  'GET /health': { does: 'Whether the process answers, as Feast’s clients ask it.' },
  'POST /v1/imports': {
    does: 'Says which files are to be imported, by the hash of their content; again, it changes nothing.',
    body: [json, '`view`, `files` (`sha256`, `name`, `bytes`, `format`), `namespace?`, `maxRejects?`'],
    errors: [errors.viewNotFound, errors.importInvalid, errors.importTooLarge],
  },
  'PUT /v1/imports/{id}/files/{sha256}': {
    does: 'A piece of a file, from `offset` on.',
    query: ['offset'],
    body: ['application/octet-stream', 'the bytes'],
    errors: [errors.importNotFound, errors.importOffset],
  },
  'GET /v1/imports/{id}': {
    does: 'How far it is, and which rows were rejected.',
    errors: [errors.importNotFound],
  },
  'PUT /v1/spines': {
    does: 'Rows to add features to: `sha256`, `rows` and `columns` of them. `at` names the column of the time.',
    query: ['at'],
    body: ['application/octet-stream', 'Parquet or CSV'],
    errors: [errors.spineInvalid],
  },
  'POST /v1/datasets': {
    does: 'Asks for a dataset: 202 with its `id`.',
    body: [json, '`model`; or `features`, `spine`, `label?` (`field`, `within`, `missing?`), `namespace?`; `engine?`'],
    errors: [errors.datasetInvalid, errors.modelNotFound, errors.spineNotFound, errors.viewNotFound],
  },
  'GET /v1/datasets/{id}': {
    does: 'Its state and progress; once built its hash, columns, profile, split and snapshot.',
    errors: [errors.datasetNotFound],
  },
  'GET /v1/datasets/{id}/data': {
    does: 'Its rows as Parquet, whole or a `part` (train, validation, holdout); ranges of bytes are answered.',
    query: ['part'],
    errors: [errors.datasetNotFound, errors.datasetNotBuilt, errors.datasetInvalid, errors.datasetRange],
  },
  'DELETE /v1/entities/{namespace}/{view}': {
    does: 'Erases an entity for good: 202 with the datasets and versions that hold it.',
    errors: [errors.viewNotFound, errors.erasureInvalid],
  },
  'GET /v1/entities/{namespace}/{view}': { does: 'Erasures of a view, with their state.', errors: [errors.viewNotFound] },
  'GET /v1/catalogue': { does: 'Features to find, by words, tag, owner, type, topic, view; unused or similar ones.' },
  'POST /v1/catalogue/similar': {
    does: 'What is like another feature in documents that are not applied yet.',
    body: [json, '`resources`: a YAML stream'],
    errors: [errors.resourcesInvalid],
  },
  'GET /v1/catalogue/{namespace}/{view}/{feature}': {
    does: 'A feature: definition, values, freshness, who uses it, similar ones.',
    errors: [errors.viewNotFound, errors.featureNotFound],
  },
}
