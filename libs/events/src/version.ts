import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, generation, id, instant, keyOfModel, modelIdentity, name, sha256, version, words } from './pieces.ts'
import { facts } from './topics.ts'

/** What a model wants as input, and the hash that a serving route is checked against. */
export const inputs = z.object({
  hash: sha256,
  schema: z.array(z.object({ name, type: name, nullable: z.boolean().optional() })).max(10_000),
})

const example = { namespace: 'default', model: 'flight-delay', revision: 3, version: '4' }

export const versionRegistered = defineEvent({
  name: 'version.registered',
  version: 1,
  topic: facts,
  producer: 'registry',
  consumers: ['dispatcher', 'feature-store', 'monitor'],
  meaning: 'A model has a further version. It serves only after a verdict.',
  key: keyOfModel,
  data: z.object({
    ...modelIdentity,
    version,
    /** By the platform's own run, or by hand through an MLflow client: then nothing but the model is known for sure. */
    origin: z.enum(['platform', 'client']),
    run: id.nullable(),
    dataset: id.nullable(),
    datasetHash: sha256.nullable(),
    /** Git commit or image digest of the training code. */
    code: z.string().max(1_000).nullable(),
    modelSha256: sha256.nullable(),
    inputs: inputs.nullable(),
    /** The model has seen observations up to here. */
    cutoff: instant.nullable(),
    profileSha256: sha256.nullable(),
  }),
  examples: [
    {
      ...example,
      origin: 'platform',
      run: 'r-0198f0a1',
      dataset: 'd-0198f0b0',
      datasetHash: 'a3f5'.repeat(16),
      code: 'cascata-gbdt@0.1.0',
      modelSha256: 'b0c4'.repeat(16),
      inputs: { hash: 'c1d2'.repeat(16), schema: [{ name: 'flights__carrier', type: 'string', nullable: false }] },
      cutoff: '2001-01-14T00:00:00.000Z',
      profileSha256: 'd9e8'.repeat(16),
    },
    {
      ...example,
      version: '5',
      origin: 'client',
      run: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
      dataset: null,
      datasetHash: null,
      code: null,
      modelSha256: 'b0c4'.repeat(16),
      inputs: null,
      cutoff: null,
      profileSha256: null,
    },
  ],
})

const verdictShape = {
  ...modelIdentity,
  version,
  run: id.nullable(),
  /** The evidence as a blob: every number, its interval, the hash of the rows. */
  evidence: sha256.nullable(),
  /** `gates`, or the person. */
  by: name,
  why: words.nullable(),
  /**
   * How the candidate stood against the champion: `passed`; `inconclusive` (canary with doubled units, rolled back when still so);
   * `first` (no champion); `skipped` (gate off, or a person decided).
   */
  comparison: z.enum(['passed', 'failed', 'inconclusive', 'first', 'skipped']).optional(),
  /** The gate's metric on the withheld holdout. */
  holdout: z
    .object({ metric: name, value: z.number(), interval: z.tuple([z.number(), z.number()]).optional(), rows: count })
    .optional(),
}

const holdout = { metric: 'auc', value: 0.712, interval: [0.705, 0.719] as [number, number], rows: 23_800 }

export const versionApproved = defineEvent({
  name: 'version.approved',
  version: 1,
  topic: facts,
  producer: ['dispatcher', 'registry'],
  consumers: ['registry', 'dispatcher', 'deployer', 'monitor'],
  meaning: 'A version may be rolled out: it passed its gates, or a person said so.',
  key: keyOfModel,
  data: z.object({ ...verdictShape, verdict: z.literal('approved') }),
  examples: [
    {
      ...example,
      run: 'r-0198f0a1',
      verdict: 'approved',
      evidence: 'e0f1'.repeat(16),
      by: 'gates',
      why: null,
      comparison: 'passed',
      holdout,
    },
    {
      ...example,
      version: '1',
      run: 'r-0198f09f',
      verdict: 'approved',
      evidence: 'e0f1'.repeat(16),
      by: 'gates',
      why: null,
      comparison: 'first',
      holdout,
    },
    { ...example, version: '5', run: null, verdict: 'approved', evidence: null, by: 'ada', why: 'checked on the bench' },
  ],
})

export const versionRejected = defineEvent({
  name: 'version.rejected',
  version: 1,
  topic: facts,
  producer: ['dispatcher', 'registry'],
  consumers: ['registry', 'dispatcher', 'deployer'],
  meaning: 'A version, or a candidate that never became one, is refused, with the evidence.',
  key: keyOfModel,
  data: z.object({
    ...verdictShape,
    /** null: the candidate failed its gates and was never registered. */
    version: version.nullable(),
    verdict: z.literal('rejected'),
  }),
  examples: [
    {
      ...example,
      version: null,
      run: 'r-0198f0a4',
      verdict: 'rejected',
      evidence: 'e0f1'.repeat(16),
      by: 'gates',
      why: 'auc 0.541 is below the floor 0.60',
      comparison: 'failed',
      holdout: { metric: 'auc', value: 0.541, rows: 23_800 },
    },
  ],
})

export const versionLoaded = defineEvent({
  name: 'version.loaded',
  version: 1,
  topic: facts,
  producer: 'inference',
  consumers: ['deployer'],
  meaning: 'A replica can answer with this version.',
  key: keyOfModel,
  data: z.object({ ...modelIdentity, version, replica: id, generation, loadMs: z.number().min(0).optional() }),
  examples: [{ ...example, replica: 'inference-1', generation: 12, loadMs: 41.5 }],
})

export const versionFailed = defineEvent({
  name: 'version.failed',
  version: 1,
  topic: facts,
  producer: 'inference',
  consumers: ['deployer'],
  meaning: 'A replica cannot load this version; the code says why.',
  key: keyOfModel,
  data: z.object({ ...modelIdentity, version, replica: id, generation, code: id, message: words }),
  examples: [
    {
      ...example,
      replica: 'inference-1',
      generation: 12,
      code: 'INF_MODEL_EXTERNAL_DATA',
      message: 'The model refers to a file beside it.',
    },
  ],
})
