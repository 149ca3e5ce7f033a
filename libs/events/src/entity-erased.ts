import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, id, instant, keyOfView, name, sha256, version, viewIdentity } from './pieces.ts'
import { facts } from './topics.ts'

export const entityErased = defineEvent({
  name: 'entity.erased',
  version: 1,
  topic: facts,
  producer: 'feature-store',
  consumers: ['registry'],
  meaning: 'An entity is gone from a view: its look-ups find nothing from here on, its rows leave the segments by the deadline.',
  key: keyOfView,
  data: z.object({
    ...viewIdentity,
    /** Counts the erasures of the view. */
    erasure: count,
    /** Of the entity key; the key itself is not said. */
    keySha256: sha256,
    by: name,
    deadline: instant,
    /** What holds the entity and can't be rewritten: its name is its content. */
    datasets: z.array(z.object({ id, hash: sha256 })).max(10_000),
    /** Versions that were trained on one of them. */
    versions: z.array(z.object({ model: name, version })).max(10_000),
  }),
  examples: [
    {
      namespace: 'default',
      view: 'flights',
      revision: 1,
      erasure: 1,
      keySha256: 'a3f5'.repeat(16),
      by: 'ops-ml',
      deadline: '2001-01-15T00:00:00.000Z',
      datasets: [{ id: 'd-0198f0b0', hash: 'b0c4'.repeat(16) }],
      versions: [{ model: 'flight-delay', version: '4' }],
    },
  ],
})
