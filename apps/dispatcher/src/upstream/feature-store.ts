import { createClient, urlPath, type Logger } from '@cascata/service'

export type Part = 'train' | 'validation' | 'holdout'

/** The part of the feature store that the dispatcher uses. */
export function featureStoreClient({ baseUrl, token, log }: { baseUrl: string; token: string | null; log: Logger }) {
  const client = createClient({ baseUrl, token, log, timeoutMs: 60_000, retries: 3 })
  return {
    /** A part of a dataset as Parquet. */
    part: (dataset: string, part: Part) => client.download(urlPath`/v1/datasets/${dataset}/data`, { query: { part } }),
    close: () => client.close(),
  }
}

export type FeatureStoreClient = ReturnType<typeof featureStoreClient>
