import { type Model } from '@cascata/resources'
import { createHash } from 'node:crypto'
import { type TrainingPolicy } from '../triggers/training-state.ts'

const hash = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex')

/** JSON with its keys in order: the same value, the same text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value as Record<string, unknown>).filter(([, each]) => each !== undefined)
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`)
    .join(',')}}`
}

/** What decides about a model's trainings. Its fingerprint covers what would make another model of the same rows. */
export function policyOf({ spec }: Model): TrainingPolicy {
  const { task, observations, label, features, request, train } = spec
  const { trainer, code, params, seed, rows, split, refit } = train
  return {
    when: spec.retrain.when,
    limits: spec.retrain.limits,
    minRows: rows.min,
    fingerprint: hash({ task, observations, label, features, request, trainer, code, params, seed, rows, split, refit }),
  }
}

/** What a run's result depends on: the same fingerprint, the same model. */
export const fingerprintOf = (datasetHash: string, { spec }: Pick<Model, 'spec'>): string => {
  const { task, observations, label, features, request, train } = spec
  const { trainer, code, params, seed, rows, refit } = train
  const data = { datasetHash, task, observations, label, features, request }
  return hash({ ...data, trainer, code, params, seed, history: rows.history, refit, gates: spec.gates })
}

/** Hash of a model's inputs, by name and type; their order does not matter. */
export const inputsHash = (inputs: readonly { name: string; type: string }[]): string =>
  hash([...inputs].map(({ name, type }) => ({ name, type })).sort((a, b) => (a.name < b.name ? -1 : 1)))
