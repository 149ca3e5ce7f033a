import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, generation, id, keyOfModel, modelIdentity, version } from './pieces.ts'
import { routes } from './topics.ts'

/** Buckets are 0 to 9999; `from` is inclusive, `to` exclusive. */
const part = z.object({ version, from: count.max(9_999), to: count.min(1).max(10_000) })

export const routeChanged = defineEvent({
  name: 'route.changed',
  version: 1,
  topic: routes,
  producer: 'deployer',
  consumers: ['feature-store', 'inference', 'monitor', 'registry'],
  meaning: 'What should serve: which version answers which buckets, which one runs in shadow, which ones stay warm.',
  key: keyOfModel,
  data: z.object({
    ...modelIdentity,
    generation,
    /** null: nothing serves (the model was deleted, or has no version yet). */
    champion: version.nullable(),
    candidate: version.optional(),
    /** Covers every bucket once, or is empty when nothing serves. */
    split: z.array(part).max(100),
    shadow: version.optional(),
    warm: z.array(version).max(100),
    rollout: id.optional(),
    /** Step of the rollout; statistics are kept per step. */
    step: count.optional(),
  }),
  examples: [
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      generation: 1,
      champion: '1',
      split: [{ version: '1', from: 0, to: 10_000 }],
      warm: [],
    },
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      generation: 12,
      champion: '3',
      candidate: '4',
      split: [
        { version: '4', from: 0, to: 500 },
        { version: '3', from: 500, to: 10_000 },
      ],
      shadow: '4',
      warm: [],
      rollout: 'ro-0198f0c0',
      step: 1,
    },
    { namespace: 'default', model: 'flight-delay', revision: 3, generation: 20, champion: null, split: [], warm: [] },
  ],
})
