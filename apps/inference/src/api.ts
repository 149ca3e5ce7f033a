import { type RouteNotes } from '@cascata/service'
import {
  badEncoding,
  featuresUnavailable,
  modelNotFound,
  notByEntity,
  notReady,
  versionNotServed,
  wrongContentType,
  wrongOutput,
} from './errors.ts'

const json = 'application/json'
const infer = {
  body: [json, 'an inference request of the [Open Inference Protocol v2](predict.md#by-tensors)'],
  errors: [modelNotFound, versionNotServed, wrongContentType, badEncoding, wrongOutput, notReady],
} as const

/** What each route does, for `/openapi.json` and docs/api.md. */
export const api: RouteNotes = {
  'GET /v2': { does: 'Name and extensions of the server.' },
  'GET /v2/health/live': { does: 'Whether the server lives.' },
  'GET /v2/health/ready': { does: 'Whether every route has its models.' },
  'GET /v2/models/{model}': { does: 'Inputs and outputs with datatypes and shapes.', errors: [modelNotFound] },
  'GET /v2/models/{model}/ready': { does: 'Whether the model can be asked.', errors: [modelNotFound] },
  'POST /v2/models/{model}/infer': { does: 'Asks by tensors; the route decides which version answers.', ...infer },
  'GET /v2/models/{model}/versions/{version}': { does: 'The same of one version.', errors: [modelNotFound, versionNotServed] },
  'GET /v2/models/{model}/versions/{version}/ready': {
    does: 'The same of one version.',
    errors: [modelNotFound, versionNotServed],
  },
  'POST /v2/models/{model}/versions/{version}/infer': { does: 'Asks a version that is loaded.', ...infer },
  'POST /v2/repository/index': { does: 'Models and versions that are loaded.' },
  'POST /v1/models/{name}/predict': {
    does: 'Asks by entity: the platform looks the features up.',
    query: ['explain'],
    body: [json, '`entities`, `request?`, `ids?`: see [Asking a model](predict.md)'],
    errors: [modelNotFound, notByEntity, featuresUnavailable, notReady],
  },
}
