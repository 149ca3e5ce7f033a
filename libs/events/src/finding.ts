import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, evidence, id, instant, name, revision, version, words } from './pieces.ts'
import { facts } from './topics.ts'

export const findingType = z.enum(['drift', 'performance', 'fairness', 'stale', 'data-invalid', 'data-gap', 'skew', 'freshness'])
export type FindingType = z.infer<typeof findingType>

/** A finding is about a model (then `model` is there) or about a view (then `view`). */
const about = { namespace: name, model: name.optional(), view: name.optional(), revision }

const keyOfFinding = (data: { namespace: string; model?: string | undefined; view?: string | undefined }): string =>
  `${data.namespace}/${data.model ?? data.view ?? ''}`

const findingShape = {
  ...about,
  finding: id,
  /** Opened once, closed once; one training an episode and trigger. */
  episode: id,
  type: findingType,
  /** The version it is about; null for a finding about a view or the model as a whole. */
  version: version.nullable(),
  /** How it is measured: `jensen-shannon`, `wasserstein-normed`, `auc`, … */
  measure: name,
  size: z.number().nullable(),
  threshold: z.number().nullable(),
  windows: z.array(z.object({ from: instant, to: instant, rows: count.optional() })).max(1_000),
  features: z
    .array(z.object({ name, size: z.number().nullable(), measure: name.optional(), anomaly: name.optional() }))
    .max(10_000),
}

const aboutSomething = { anyOf: [{ required: ['model'] }, { required: ['view'] }] }

const drift = {
  namespace: 'default',
  model: 'flight-delay',
  revision: 3,
  finding: 'f-0198f0d0',
  episode: 'e-17',
  type: 'drift' as const,
  version: '4',
  measure: 'wasserstein-normed',
  size: 0.31,
  threshold: 0.1,
  windows: [{ from: '2001-02-01T00:00:00.000Z', to: '2001-02-02T00:00:00.000Z', rows: 9_120 }],
  features: [{ name: 'flights__distanceKm', size: 0.62, measure: 'wasserstein-normed' }],
}

const dataGap = {
  namespace: 'default',
  view: 'flights',
  revision: 1,
  finding: 'f-0198f0d1',
  episode: 'e-18',
  type: 'data-gap' as const,
  version: null,
  measure: 'offsets',
  size: 3_800,
  threshold: 0,
  windows: [],
  features: [],
}

export const findingOpened = defineEvent({
  name: 'finding.opened',
  version: 1,
  topic: facts,
  producer: ['monitor', 'feature-store'],
  consumers: ['dispatcher', 'deployer', 'monitor'],
  meaning: 'Something is out of its bounds, and has been for long enough to count.',
  key: keyOfFinding,
  data: z.object({ ...findingShape, evidence: evidence.optional() }).meta(aboutSomething),
  examples: [drift, dataGap],
})

export const findingClosed = defineEvent({
  name: 'finding.closed',
  version: 1,
  topic: facts,
  producer: ['monitor', 'feature-store'],
  consumers: ['dispatcher', 'deployer', 'monitor'],
  meaning: 'A finding is over: what it was about recovered, or no longer serves.',
  key: keyOfFinding,
  data: z.object({ ...findingShape, reason: words }).meta(aboutSomething),
  examples: [
    { ...drift, size: 0.04, reason: 'recovered' },
    { ...dataGap, reason: 'resumed' },
  ],
})
