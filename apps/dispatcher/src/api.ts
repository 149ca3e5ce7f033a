import { type RouteNotes } from '@cascata/service'
import {
  modelNotFound,
  progressRefused,
  reproductionNotFound,
  reproductionsFull,
  runEnded,
  runNotFound,
  trainingForbidden,
} from './errors.ts'

/** What each route does, for `/openapi.json` and docs/api.md. */
export const api: RouteNotes = {
  'GET /v1/models': { does: 'Models with what would train them next.' },
  'GET /v1/models/{ns}/{name}': { does: 'One of them.', errors: [modelNotFound] },
  'POST /v1/models/{ns}/{name}/pause': { does: 'Trains a model no more until it is resumed.', errors: [modelNotFound] },
  'POST /v1/models/{ns}/{name}/resume': { does: 'Lets it be trained again.', errors: [modelNotFound] },
  'POST /v1/pause': { does: 'Pauses the trainings of every model that the token is for.' },
  'POST /v1/resume': { does: 'Resumes them.' },
  'POST /v1/runs': {
    does: 'Asks for a training now: 202 with a new run, or with the pending one that takes the wish in.',
    errors: [modelNotFound, trainingForbidden],
  },
  'GET /v1/runs': { does: 'Training runs, newest first.' },
  'GET /v1/runs/{id}': { does: 'A run: why it was asked for, its attempts, dataset, gates and version.', errors: [runNotFound] },
  'GET /v1/runs/{id}/logs': { does: 'What its jobs said, as text.', errors: [runNotFound] },
  'POST /v1/runs/{id}/cancel': { does: 'Ends a run that has not ended.', errors: [runNotFound, runEnded] },
  'POST /v1/runs/{id}/progress': {
    does: 'A trainer tells how far it is, by the token of its job file.',
    errors: [progressRefused],
  },
  'POST /v1/reproductions': { does: 'Makes a version again from its record; nothing is deployed.', errors: [reproductionsFull] },
  'GET /v1/reproductions': { does: 'Reproductions, newest first.' },
  'GET /v1/reproductions/{id}': {
    does: 'How one came out: the same bit for bit, the same in its predictions, or different, and why.',
    errors: [reproductionNotFound],
  },
}
