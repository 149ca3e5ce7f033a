import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, id, keyOfModel, measures, modelIdentity, share, words } from './pieces.ts'
import { facts } from './topics.ts'

const attempt = z.int().min(1)
const executor = z.enum(['process', 'kubernetes', 'ray'])
const example = { namespace: 'default', model: 'flight-delay', revision: 3, run: 'r-0198f0a1', attempt: 1 }

export const trainingStarted = defineEvent({
  name: 'training.started',
  version: 1,
  topic: facts,
  producer: 'dispatcher',
  consumers: [],
  meaning: 'An attempt of a run was handed to its executor.',
  key: keyOfModel,
  data: z.object({ ...modelIdentity, run: id, attempt, executor }),
  examples: [{ ...example, executor: 'process' }],
})

export const trainingProgressed = defineEvent({
  name: 'training.progressed',
  version: 1,
  topic: facts,
  producer: 'dispatcher',
  consumers: [],
  meaning: 'A training says how far it is and what it measures; at most one a second and run.',
  key: keyOfModel,
  data: z.object({ ...modelIdentity, run: id, attempt, share, metrics: measures }),
  examples: [{ ...example, share: 0.4, metrics: { 'validation.logLoss': 0.431, 'train.logLoss': null } }],
})

export const trainingSucceeded = defineEvent({
  name: 'training.succeeded',
  version: 1,
  topic: facts,
  producer: 'dispatcher',
  consumers: [],
  meaning: 'A training has left a model that can be read; its gates come next.',
  key: keyOfModel,
  data: z.object({
    ...modelIdentity,
    run: id,
    attempt,
    executor,
    /** Where the executor left the output folder; opaque. */
    output: z.string().max(2_000),
    metrics: measures.optional(),
    durationMs: count.optional(),
  }),
  examples: [
    { ...example, executor: 'process', output: 'runs/r-0198f0a1/1', metrics: { 'validation.auc': 0.713 }, durationMs: 8_412 },
  ],
})

export const trainingFailed = defineEvent({
  name: 'training.failed',
  version: 1,
  topic: facts,
  producer: 'dispatcher',
  consumers: ['registry'],
  meaning: 'A run ended without a model: its attempts are used up, or trying again cannot help.',
  key: keyOfModel,
  data: z.object({
    ...modelIdentity,
    run: id,
    attempt,
    executor,
    code: id,
    message: words,
    /** Where the logs are kept; opaque. */
    logs: z.string().max(2_000).nullable(),
  }),
  examples: [
    {
      ...example,
      attempt: 2,
      executor: 'process',
      code: 'TRAINER_DEADLINE',
      message: 'The trainer ran for 30 min.',
      logs: 'runs/r-0198f0a1/2/log',
    },
  ],
})
