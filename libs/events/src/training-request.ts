import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { evidence, id, instant, keyOfModel, modelIdentity, words } from './pieces.ts'
import { facts } from './topics.ts'

/** What may ask for a training. */
export const trigger = z.enum(['newLabels', 'drift', 'performance', 'maxAge', 'schedule', 'specChanged', 'manual'])
export type Trigger = z.infer<typeof trigger>

/** An event that led to a training: its id and type in the log, and what it said, for people. */
export const cause = z.object({ id, type: id, trigger, at: instant, summary: words.optional() })
export type TrainingCause = z.infer<typeof cause>

const labels = {
  id: '0198f0a0-0001',
  type: 'cascata.labels.ripened.v1',
  trigger: 'newLabels' as const,
  at: '2001-01-14T00:00:01.000Z',
}
const drift = {
  id: '0198f0a0-0002',
  type: 'cascata.finding.opened.v1',
  trigger: 'drift' as const,
  at: '2001-01-14T00:00:02.000Z',
}

export const trainingRequested = defineEvent({
  name: 'training.requested',
  version: 1,
  topic: facts,
  producer: 'dispatcher',
  consumers: ['registry', 'feature-store'],
  meaning: 'A cascade begins: a run was created, and its dataset is to be built. All causes are listed, coalesced ones included.',
  key: keyOfModel,
  data: z.object({
    ...modelIdentity,
    run: id,
    trigger,
    causes: z.array(cause).max(1_000),
    /** The episode of the finding that asked, null for other triggers. */
    episode: id.nullable(),
  }),
  examples: [
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      run: 'r-0198f0a1',
      trigger: 'newLabels',
      causes: [{ ...labels, summary: '118,412 labelled rows, 15 % more' }, drift],
      episode: null,
    },
    { namespace: 'default', model: 'flight-delay', revision: 3, run: 'r-0198f0a2', trigger: 'manual', causes: [], episode: null },
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      run: 'r-0198f0a3',
      trigger: 'drift',
      causes: [drift],
      episode: 'e-17',
    },
  ],
})

export const trainingCoalesced = defineEvent({
  name: 'training.coalesced',
  version: 1,
  topic: facts,
  producer: 'dispatcher',
  consumers: [],
  meaning: 'A further cause was absorbed by a run that is already asked for.',
  key: keyOfModel,
  data: z.object({ ...modelIdentity, into: id, cause }),
  examples: [{ namespace: 'default', model: 'flight-delay', revision: 3, into: 'r-0198f0a1', cause: drift }],
})

export const trainingRefused = defineEvent({
  name: 'training.refused',
  version: 1,
  topic: facts,
  producer: 'dispatcher',
  consumers: ['registry'],
  meaning: 'A training does not happen: by its data checks, its limits, or because the model is frozen, paused or suspended.',
  key: keyOfModel,
  data: z.object({
    ...modelIdentity,
    /** null when it was refused before a run existed. */
    run: id.nullable(),
    reason: words,
    evidence,
    cause: cause.optional(),
  }),
  examples: [
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      run: 'r-0198f0a3',
      reason: 'data-invalid',
      evidence: {
        anomalies: [{ feature: 'flights__distanceKm', anomaly: 'DOUBLE_TYPE_BIG_DOUBLE', share: 0.38, threshold: 0.01 }],
      },
    },
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      run: null,
      reason: 'frozen',
      evidence: { by: ['f-9'] },
      cause: drift,
    },
  ],
})
