import { type RouteNotes } from '@cascata/service'
import { modelNotWatched, questionInvalid } from './errors.ts'

/** What each route does, for `/openapi.json` and docs/api.md. */
export const api: RouteNotes = {
  'GET /v1/models/{namespace}/{name}': {
    does: 'Drift, performance and skew of a model by window.',
    errors: [modelNotWatched, questionInvalid],
  },
  'GET /v1/models/{namespace}/{name}/realised': {
    does: 'How well versions predicted what has come to be known since.',
    errors: [modelNotWatched, questionInvalid],
  },
  'GET /v1/findings': { does: 'What is or was wrong with models and views, newest first.', errors: [questionInvalid] },
}
