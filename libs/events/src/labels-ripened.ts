import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, instant, keyOfModel, modelIdentity } from './pieces.ts'
import { facts } from './topics.ts'

export const labelsRipened = defineEvent({
  name: 'labels.ripened',
  version: 1,
  topic: facts,
  producer: 'feature-store',
  consumers: ['dispatcher', 'deployer', 'monitor'],
  meaning:
    'The label watermark of a model moved on; so many observations are now ripe and so many of them labelled, up to the cutoff.',
  key: keyOfModel,
  data: z.object({
    ...modelIdentity,
    /** Cumulative. */
    ripe: count,
    labelled: count,
    /** Observations up to this `at` are ripe: the label view's watermark less `within`. */
    cutoff: instant,
  }),
  examples: [
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      ripe: 120_000,
      labelled: 118_412,
      cutoff: '2001-01-14T00:00:00.000Z',
    },
  ],
})
