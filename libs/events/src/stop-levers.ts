import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { id, keyOfModel, modelIdentity, name, words } from './pieces.ts'
import { facts } from './topics.ts'

const fact = (name_: string, meaning: string, reason: string, episode: string | null) =>
  defineEvent({
    name: name_,
    version: 1,
    topic: facts,
    producer: 'dispatcher',
    consumers: [],
    meaning,
    key: keyOfModel,
    data: z.object({
      ...modelIdentity,
      reason: words,
      /** The episode of the finding behind it, null when a person or a limit is. */
      episode: id.nullable(),
      /** The person, where it was one. */
      by: name.optional(),
    }),
    examples: [{ namespace: 'default', model: 'flight-delay', revision: 3, reason, episode }],
  })

export const trainingFrozen = fact(
  'training.frozen',
  'No training starts: the data is broken, and a gate could not tell.',
  'data-invalid',
  'e-19',
)

export const trainingUnfrozen = fact(
  'training.unfrozen',
  'The last reason to freeze is gone; trainings may start again.',
  'recovered',
  'e-19',
)

export const modelSuspended = fact(
  'model.suspended',
  'Five runs in a row ended without a promotion; a person has to look.',
  '5 runs without promotion',
  null,
)

export const modelPaused = fact('model.paused', 'A person stopped the trainings of a model.', 'paused by ops', null)

export const modelResumed = fact('model.resumed', 'A person let the trainings of a model go on.', 'resumed by ops', null)
