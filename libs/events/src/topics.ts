/** A topic of the platform: what it is called, how it is cut and kept, and what its key means. */
export interface Topic {
  readonly name: string
  readonly partitions: number
  /** Compacted: the newest value of a key is kept for ever, a null value is a tombstone, values carry a `generation`. */
  readonly compacted: boolean
  readonly key: string
  /** Topic-level configuration of Kafka, set when the platform creates the topic. */
  readonly config: Readonly<Record<string, string>>
}

const mebibyte = '1048576'
const compaction = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.1', 'max.message.bytes': mebibyte }

/** Every fact of the control plane, in one ordered log: one partition, kept for ever. */
export const facts: Topic = {
  name: 'cascata.facts',
  partitions: 1,
  compacted: false,
  key: 'namespace/model; for the facts of a view, namespace/view',
  config: { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1', 'max.message.bytes': mebibyte },
}

/** The newest revision of each resource. */
export const specs: Topic = {
  name: 'cascata.specs',
  partitions: 1,
  compacted: true,
  key: 'kind/namespace/name',
  config: compaction,
}

/** The desired serving state of each model. */
export const routes: Topic = {
  name: 'cascata.routes',
  partitions: 1,
  compacted: true,
  key: 'namespace/model',
  config: compaction,
}

/** Predictions with their inputs, in order per unit; the monitor keeps them longer than Kafka does. */
export const predictions: Topic = {
  name: 'cascata.predictions',
  partitions: 4,
  compacted: false,
  key: 'unit: what the split of a rollout is sticky by',
  config: { 'cleanup.policy': 'delete', 'retention.ms': '604800000', 'max.message.bytes': mebibyte },
}

export const topics: readonly Topic[] = [facts, specs, routes, predictions]

/** Where a consumer group puts what it cannot handle of a topic. */
export const deadLetterTopic = (topic: string, group: string): string => `${topic}.${group}.dlq`
