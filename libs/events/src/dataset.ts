import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, evidence, id, instant, keyOfModel, modelIdentity, name, sha256, span, words } from './pieces.ts'
import { facts } from './topics.ts'

/** Which rows existed: the offsets, exclusive, up to which each joined topic was read. */
export const snapshot = z.array(z.object({ view: name, topic: name, partition: count, epoch: count, to: count })).max(10_000)
export type Snapshot = z.infer<typeof snapshot>

const part = z.object({ rows: count, ...span.shape })

/** A dataset by time, with an embargo between the parts. The trainer never sees the holdout. */
export const split = z.object({ train: part, validation: part, holdout: part })
export type Split = z.infer<typeof split>

export const datasetBuilt = defineEvent({
  name: 'dataset.built',
  version: 1,
  topic: facts,
  producer: 'feature-store',
  consumers: ['registry', 'dispatcher'],
  meaning: 'The dataset of a run is there: immutable, point-in-time correct, split by time.',
  key: keyOfModel,
  data: z.object({
    ...modelIdentity,
    dataset: id,
    run: id,
    /** Over the schema and the rows sorted by (entity, at): same snapshot and spec, same hash. */
    hash: sha256,
    rows: count,
    snapshot,
    cutoff: instant,
    split,
    /** What the columns look like, by column. */
    profile: evidence,
  }),
  examples: [
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      dataset: 'd-0198f0b0',
      run: 'r-0198f0a1',
      hash: 'a3f5'.repeat(16),
      rows: 118_412,
      snapshot: [
        { view: 'flights', topic: 'flights', partition: 0, epoch: 1, to: 61_204 },
        { view: 'outcomes', topic: 'flight-outcomes', partition: 0, epoch: 1, to: 60_010 },
      ],
      cutoff: '2001-01-14T00:00:00.000Z',
      split: {
        train: { rows: 82_000, from: '2001-01-01T00:00:00.000Z', to: '2001-01-09T12:00:00.000Z' },
        validation: { rows: 11_900, from: '2001-01-11T00:00:00.000Z', to: '2001-01-12T00:00:00.000Z' },
        holdout: { rows: 23_800, from: '2001-01-12T12:00:00.000Z', to: '2001-01-14T00:00:00.000Z' },
      },
      profile: { flights__distanceKm: { type: 'double', missing: 0, min: 50, max: 4_960, mean: 1_180.5 } },
    },
  ],
})

export const datasetFailed = defineEvent({
  name: 'dataset.failed',
  version: 1,
  topic: facts,
  producer: 'feature-store',
  consumers: ['registry', 'dispatcher'],
  meaning: 'The dataset of a run cannot be built; the code says why.',
  key: keyOfModel,
  data: z.object({ ...modelIdentity, dataset: id, run: id, code: id, message: words }),
  examples: [
    {
      namespace: 'default',
      model: 'flight-delay',
      revision: 3,
      dataset: 'd-0198f0b1',
      run: 'r-0198f0a2',
      code: 'FS_DATASET_INPUT_BEHIND',
      message: 'View outcomes still has 412 rows to read that the snapshot needs.',
    },
  ],
})
