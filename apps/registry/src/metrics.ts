import { type Registry } from '@cascata/service'
import { Counter, Gauge } from 'prom-client'

/** What is kept, as far as a metric tells. */
export interface KeptFigures {
  readonly blobs: number
  readonly bytes: number
  readonly resources: readonly { kind: string; count: number }[]
  readonly versions: readonly { state: string; count: number }[]
}

/** One read for all who ask while it is under way. */
const together = <Result>(read: () => Promise<Result>): (() => Promise<Result | undefined>) => {
  let reading: Promise<Result | undefined> | undefined
  return () =>
    (reading ??= read().then(
      (result) => ((reading = undefined), result),
      () => (reading = undefined),
    ))
}

/**
 * Gauges of what the tables say, read at each scrape: the same on every replica, and right after a restart.
 * A scrape collects all gauges at once, so each sets itself.
 */
export const exportKept = (registry: Registry, read: () => Promise<KeptFigures>): void => {
  const figures = together(read)
  const gauge = (name: string, help: string, labelNames: string[], set: (gauge: Gauge, kept: KeptFigures) => void) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const kept = await figures()
        this.reset()
        if (kept) set(this, kept)
      },
    })
  gauge('cascata_registry_blobs', 'Blobs that are kept.', [], (blobs, kept) => blobs.set(kept.blobs))
  gauge('cascata_registry_blob_bytes', 'Bytes of all blobs.', [], (bytes, kept) => bytes.set(kept.bytes))
  gauge('cascata_registry_resources', 'Applied resources, by kind.', ['kind'], (resources, kept) =>
    kept.resources.forEach(({ kind, count }) => resources.set({ kind }, count)),
  )
  gauge('cascata_registry_versions', 'Versions of models, by state.', ['state'], (versions, kept) =>
    kept.versions.forEach(({ state, count }) => versions.set({ state }, count)),
  )
}

/** Every metric of the registry that is counted where it happens. */
export const registryMetrics = (registry: Registry) => ({
  uploads: new Counter({
    name: 'cascata_registry_uploads_total',
    help: 'Uploads of blobs and artifacts, by what became of them: kept, or the code of the refusal.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  }),
  applies: new Counter({
    name: 'cascata_registry_applies_total',
    help: 'Streams of resources, by what became of them: applied, or the code of the refusal.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  }),
})

export type RegistryMetrics = ReturnType<typeof registryMetrics>

/** Counts what work comes to: its success under one name, its failure under the code of its error. */
export const counted =
  <Given extends unknown[], Result>(counter: Counter<'outcome'>, success: string, work: (...given: Given) => Promise<Result>) =>
  async (...given: Given): Promise<Result> => {
    try {
      const result = await work(...given)
      counter.inc({ outcome: success })
      return result
    } catch (error) {
      counter.inc({ outcome: (error as { code?: string }).code ?? 'UNKNOWN' })
      throw error
    }
  }
