import { type RouteNotes } from '@cascata/service'
import * as errors from './errors.ts'

const stream = ['application/yaml', 'a stream of documents'] as const
const applying = ['commit', 'file', 'prune']
const version = [errors.versionNotFound]
const blob = [errors.blobTooLarge, errors.uploadBroken, errors.storageFull, errors.storageDown]

/** What each route does, for `/openapi.json` and docs/api.md; those of MLflow's protocol are in docs/from-mlflow.md. */
export const api: RouteNotes = {
  'GET /health': { does: 'Whether the process answers, as MLflow’s clients ask it.' },
  'GET /v1/resources': { does: 'Everything that is applied.', errors: [errors.kindUnknown] },
  'PUT /v1/resources': {
    does: 'Applies documents, all or none of them.',
    query: applying,
    body: stream,
    errors: [errors.resourcesInvalid, errors.resourcesInUse, errors.pruneUnclear],
  },
  'POST /v1/plan': {
    does: 'What applying them would change, and whom it touches.',
    query: applying,
    body: stream,
    errors: [errors.resourcesInvalid, errors.pruneUnclear],
  },
  'GET /v1/resources/{kind}/{namespace}/{name}': {
    does: 'A resource as it is in force, with its revision.',
    errors: [errors.kindUnknown, errors.resourceNotFound],
  },
  'DELETE /v1/resources/{kind}/{namespace}/{name}': {
    does: 'Deletes it; a view that a model reads stays.',
    errors: [errors.kindUnknown, errors.resourceNotFound, errors.viewInUse],
  },
  'GET /v1/resources/{kind}/{namespace}/{name}/revisions': {
    does: 'All its revisions: what, when, by whom, from which commit.',
    errors: [errors.kindUnknown, errors.resourceNotFound],
  },
  'POST /v1/versions': {
    does: 'Registers a version of a model whose blobs are there.',
    errors: [errors.modelNotApplied, errors.blobMissing],
  },
  'GET /v1/versions/{namespace}/{model}': { does: 'Versions of a model.' },
  'GET /v1/versions/{namespace}/{model}/{version}': { does: 'A version with its record.', errors: version },
  'POST /v1/versions/{namespace}/{model}/{version}/verdict': { does: 'A person approves or rejects it.', errors: version },
  'DELETE /v1/versions/{namespace}/{model}/{version}': {
    does: 'Hides a version that does not serve.',
    errors: [...version, errors.versionKept],
  },
  'POST /v1/versions/{namespace}/{model}/{version}/restore': { does: 'Brings a hidden one back.', errors: version },
  'POST /v1/versions/{namespace}/{model}/{version}/purge': {
    does: 'Takes the files of a hidden one away for good.',
    errors: [...version, errors.versionKept],
  },
  'GET /v1/lineage/graph': {
    does: 'Nodes and edges from offsets to predictions around what is named; `format=dot` for Graphviz.',
    errors: [errors.lineageNotFound],
  },
  'GET /v1/lineage/runs/{run}/openlineage': { does: 'The OpenLineage events of a run.', errors: [errors.lineageNotFound] },
  'GET /v1/lineage/versions/{namespace}/{model}/{version}': {
    does: 'What a version comes from.',
    errors: [errors.lineageNotFound],
  },
  'GET /v1/lineage/runs/{run}': { does: 'What a run comes from and led to.', errors: [errors.lineageNotFound] },
  'GET /v1/lineage/datasets/{dataset}': { does: 'What rests on a dataset.', errors: [errors.lineageNotFound] },
  'GET /v1/lineage/offsets': {
    does: 'Datasets, runs and versions that learned from a row.',
    query: ['topic', 'partition', 'offset'],
    errors: [errors.lineageNotFound],
  },
  'GET /v1/audit': { does: 'Who did what, newest first; `before` an id, for the next page.' },
  'GET /v1/comparison': {
    does: 'Two versions side by side: parameters, data, metrics with intervals, features, importance.',
    errors: version,
  },
  'GET /v1/cards/{namespace}/{model}/{version}': { does: 'The model card, in Markdown or HTML.', errors: version },
  'PUT /v1/blobs': { does: 'Keeps bytes: their SHA-256.', body: ['application/octet-stream', 'the bytes'], errors: blob },
  'GET /v1/blobs/{sha256}': {
    does: 'The bytes, checked while they are read.',
    errors: [errors.blobNotFound, errors.blobDamaged, errors.storageDown],
  },
}
