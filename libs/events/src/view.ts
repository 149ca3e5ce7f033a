import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, keyOfView, name, viewIdentity, words } from './pieces.ts'
import { facts } from './topics.ts'

/** What is missing between the cursor and the log: rows that the view can no longer, or never, read. */
const gap = z.object({
  topic: name,
  partition: count,
  epoch: count,
  /** The offset that should have come next. */
  expected: count,
  /** What the log holds now: start inclusive, end exclusive. */
  start: count,
  end: count,
})

export const viewHalted = defineEvent({
  name: 'view.halted',
  version: 1,
  topic: facts,
  producer: 'feature-store',
  consumers: [],
  meaning: 'A view has stopped reading, because its cursor lies outside the log: skipping would lose rows in silence.',
  key: keyOfView,
  data: z.object({ ...viewIdentity, reason: words, gap }),
  examples: [
    {
      namespace: 'default',
      view: 'flights',
      revision: 1,
      reason: 'retention has overtaken the cursor',
      gap: { topic: 'flights', partition: 0, epoch: 1, expected: 1_200, start: 5_000, end: 9_000 },
    },
  ],
})

export const viewResumed = defineEvent({
  name: 'view.resumed',
  version: 1,
  topic: facts,
  producer: 'feature-store',
  consumers: [],
  meaning: 'A person let a halted view go on; the broken partitions start a new epoch.',
  key: keyOfView,
  data: z.object({
    ...viewIdentity,
    reason: words,
    gap: gap.optional(),
    from: z.enum(['earliest', 'latest']),
    by: name.optional(),
  }),
  examples: [
    {
      namespace: 'default',
      view: 'flights',
      revision: 1,
      reason: 'resumed by hand',
      gap: { topic: 'flights', partition: 0, epoch: 2, expected: 1_200, start: 5_000, end: 9_000 },
      from: 'earliest',
      by: 'ops',
    },
  ],
})
