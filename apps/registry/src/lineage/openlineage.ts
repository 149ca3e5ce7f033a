import { createHash } from 'node:crypto'
import { type Version } from '../versions/version.ts'
import { type DatasetRecord, type TrainingRecord } from './lineage.store.ts'

/*
 * Runs as OpenLineage tells of them, spec 2-0-2 (https://openlineage.io, Apache-2.0). `openlineage.schema.json` beside this file is its
 * schema of a run event, written down from the spec.
 */

const spec = 'https://openlineage.io/spec/2-0-2/OpenLineage.json'
const facets = 'https://openlineage.io/spec/facets'

export type EventType = 'START' | 'RUNNING' | 'COMPLETE' | 'FAIL' | 'ABORT'

interface Facet {
  readonly _producer: string
  readonly _schemaURL: string
}

interface OpenDataset {
  readonly namespace: string
  readonly name: string
  readonly facets: Readonly<Record<string, Facet>>
}

export interface RunEvent {
  readonly eventType: EventType
  readonly eventTime: string
  readonly producer: string
  readonly schemaURL: string
  readonly run: { readonly runId: string; readonly facets: Readonly<Record<string, Facet>> }
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Readonly<Record<string, Facet>> }
  readonly inputs: readonly OpenDataset[]
  readonly outputs: readonly OpenDataset[]
}

/** Who says it, and where the rows come from: `host:port` of a broker. */
export interface Origin {
  readonly producer: string
  readonly kafka: string
}

/** What is known of a run when it is told of. */
export interface RunFacts {
  readonly run: TrainingRecord
  readonly dataset?: DatasetRecord | undefined
  readonly version?: Version | undefined
}

/** A UUID of version 5 that a run's id stands for, always the same: OpenLineage takes no other ids. */
export const runIdOf = (run: string): string => {
  const bytes = createHash('sha1').update('cascata run\n').update(run).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** An event of a run. Inputs and outputs are those that are known by then; readers add the events of a run up. */
export const runEvent = (
  eventType: EventType,
  at: string,
  { run, dataset, version }: RunFacts,
  { producer, kafka }: Origin,
): RunEvent => {
  const facet = (path: string, content: object): Facet => ({ _producer: producer, _schemaURL: `${facets}/${path}`, ...content })
  const own = (name: string, content: object): Facet => ({
    _producer: producer,
    _schemaURL: `${producer}/facets/${name}.json`,
    ...content,
  })
  const namespace = `cascata.${run.namespace}`

  const topics = Object.entries(Object.groupBy(dataset?.snapshot ?? [], ({ topic }) => topic)).map(([topic, parts = []]) => ({
    namespace: `kafka://${kafka}`,
    name: topic,
    facets: {
      cascata_offsets: own('offsets', { partitions: parts.map(({ partition, epoch, to }) => ({ partition, epoch, to })) }),
    },
  }))
  const rows = dataset && {
    namespace,
    name: `${run.model}.dataset`,
    facets: {
      version: facet('1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet', { datasetVersion: dataset.hash }),
      cascata_dataset: own('dataset', { dataset: dataset.dataset, rows: dataset.rows, cutoff: dataset.cutoff }),
    },
  }
  const model = version && {
    namespace,
    name: run.model,
    facets: {
      version: facet('1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet', {
        datasetVersion: version.version,
      }),
      ...(version.inputs && {
        schema: facet('1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet', {
          fields: version.inputs.schema.map(({ name, type }) => ({ name, type })),
        }),
      }),
      cascata_model: own('model', { modelSha256: version.modelSha256, state: version.state }),
    },
  }
  const failed = run.outcome?.why && (eventType === 'FAIL' || eventType === 'ABORT')
  return {
    eventType,
    eventTime: at,
    producer,
    schemaURL: `${spec}#/$defs/RunEvent`,
    run: {
      runId: runIdOf(run.run),
      facets: {
        cascata_training: own('training', {
          run: run.run,
          trigger: run.trigger,
          revision: run.revision,
          causes: run.causes.length,
        }),
        ...(failed && {
          errorMessage: facet('1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet', {
            message: run.outcome!.why,
            programmingLanguage: 'unknown',
          }),
        }),
      },
    },
    job: {
      namespace,
      name: `${run.model}.train`,
      facets: {
        jobType: facet('2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet', {
          processingType: 'BATCH',
          integration: 'CASCATA',
          jobType: 'TRAINING',
        }),
      },
    },
    inputs: topics,
    outputs: [rows, model].filter((each) => each !== undefined),
  }
}

/** Every event of a run so far, in their order. */
export const eventsOf = (facts: RunFacts, origin: Origin): RunEvent[] => {
  const { run, dataset, version } = facts
  const iso = (at: Date | string): string => new Date(at).toISOString()
  const events = [runEvent('START', iso(run.requestedAt), { run }, origin)]
  if (dataset) events.push(runEvent('RUNNING', iso(dataset.builtAt), { run, dataset }, origin))
  if (version) events.push(runEvent('COMPLETE', version.registeredAt, facts, origin))
  else if (run.outcome) events.push(runEvent(endOf(run.outcome), iso(run.outcome.at), { run, dataset }, origin))
  return events
}

/** A candidate that its gates refused is a run that did its work; a refusal before it began is an abort. */
export const endOf = ({ type }: NonNullable<TrainingRecord['outcome']>): EventType => {
  if (type.includes('version.rejected')) return 'COMPLETE'
  return type.includes('training.refused') ? 'ABORT' : 'FAIL'
}
