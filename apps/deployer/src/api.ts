import { type RouteNotes } from '@cascata/service'
import {
  cannotPause,
  modelNotApplied,
  modelNotFound,
  noRollout,
  nothingBefore,
  notPaused,
  servesAlready,
  versionUnknown,
} from './errors.ts'

const ofModel = [modelNotFound, modelNotApplied]

/** What each route does, for `/openapi.json` and docs/api.md. */
export const api: RouteNotes = {
  'GET /v1/routes/{ns}/{model}': {
    does: 'What serves a model, what stands by, and the rollout under way.',
    errors: [modelNotFound],
  },
  'POST /v1/routes/{ns}/{model}/rollback': {
    does: 'Takes the candidate back, or returns to an earlier version, at once.',
    errors: [...ofModel, versionUnknown, servesAlready, nothingBefore],
  },
  'POST /v1/routes/{ns}/{model}/promote': {
    does: 'Lets the candidate serve everything now.',
    errors: [...ofModel, noRollout],
  },
  'POST /v1/routes/{ns}/{model}/pause': {
    does: 'Holds the rollout where it stands.',
    errors: [...ofModel, noRollout, cannotPause],
  },
  'POST /v1/routes/{ns}/{model}/resume': { does: 'Lets a paused rollout go on.', errors: [...ofModel, noRollout, notPaused] },
  'GET /v1/rollouts': { does: 'Rollouts, newest first, with their steps and what was weighed.' },
}
