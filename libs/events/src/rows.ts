import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, id, instant, keyOfView, name, range, viewIdentity } from './pieces.ts'
import { facts } from './topics.ts'

export const rowsIngested = defineEvent({
  name: 'rows.ingested',
  version: 1,
  topic: facts,
  producer: 'feature-store',
  consumers: ['monitor'],
  meaning: 'Rows of a view are in both stores. Ranges include rejected offsets; `to` is exclusive.',
  key: keyOfView,
  data: z.object({
    ...viewIdentity,
    /** null when every row of the ranges was rejected, deleted or a watermark. */
    segment: id.nullable(),
    rows: count,
    ranges: z.array(range).min(1).max(10_000),
    eventTime: z.object({ min: instant, max: instant }).nullable(),
    watermark: instant.nullable(),
  }),
  examples: [
    {
      namespace: 'default',
      view: 'flights',
      revision: 1,
      segment: '01JFLIGHTS0001',
      rows: 812,
      ranges: [
        { topic: 'flights', partition: 0, epoch: 1, from: 1_000, to: 1_401 },
        { topic: 'flights', partition: 1, epoch: 1, from: 990, to: 1_402 },
      ],
      eventTime: { min: '2001-01-13T05:00:00.000Z', max: '2001-01-13T07:59:00.000Z' },
      watermark: '2001-01-13T07:58:00.000Z',
    },
    {
      namespace: 'default',
      view: 'flights',
      revision: 1,
      segment: null,
      rows: 0,
      ranges: [{ topic: 'flights', partition: 2, epoch: 1, from: 7, to: 8 }],
      eventTime: null,
      watermark: null,
    },
  ],
})

export const rowsRejected = defineEvent({
  name: 'rows.rejected',
  version: 1,
  topic: facts,
  producer: 'feature-store',
  consumers: ['monitor'],
  meaning: 'Rows of a view were refused. The count is exact; the sample is bounded and names offset, code and field.',
  key: keyOfView,
  data: z.object({
    ...viewIdentity,
    topic: name,
    partition: count,
    count: count.min(1),
    /** How many by reject code, such as `WRONG_TYPE`. */
    reasons: z.record(z.string(), count),
    sample: z
      .array(
        z.object({ offset: count, code: z.string().max(100), field: name.optional(), message: z.string().max(500).optional() }),
      )
      .max(100),
  }),
  examples: [
    {
      namespace: 'default',
      view: 'flights',
      revision: 1,
      topic: 'flights',
      partition: 3,
      count: 3,
      reasons: { WRONG_TYPE: 2, NOT_JSON: 1 },
      sample: [
        { offset: 4_711, code: 'WRONG_TYPE', field: 'distanceKm', message: 'expected a double, found text' },
        { offset: 4_712, code: 'NOT_JSON' },
      ],
    },
  ],
})
