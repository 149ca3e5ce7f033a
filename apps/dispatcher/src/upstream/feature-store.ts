import { createClient, urlPath, type Logger } from '@cascata/service'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

export type Part = 'train' | 'validation' | 'holdout'

/** The part of the feature store that the dispatcher uses. */
export function featureStoreClient({ baseUrl, token, log }: { baseUrl: string; token: string | null; log: Logger }) {
  const client = createClient({ baseUrl, token, log, timeoutMs: 60_000, retries: 3 })
  return {
    /** A part of a dataset as Parquet. */
    part: (dataset: string, part: Part) => client.download(urlPath`/v1/datasets/${dataset}/data`, { query: { part } }),
    /** Keeps a file of (entity, at) by its content. */
    async putSpine(path: string): Promise<string> {
      const headers = { 'content-length': String((await stat(path)).size) }
      return (await client.upload<{ sha256: string }>('/v1/spines', createReadStream(path), { headers })).sha256
    },
    /** Asks for features of a spine's rows, as they could be known at each `at`. */
    ask: (namespace: string, features: string[], spine: string) =>
      client.post<{ id: string }>('/v1/datasets', { namespace, features, spine }),
    dataset: (id: string) =>
      client.get<{ state: 'building' | 'built' | 'failed'; error?: { code: string; message: string } }>(
        urlPath`/v1/datasets/${id}`,
      ),
    /** All of a dataset as Parquet: the spine's columns and the features. */
    all: (id: string) => client.download(urlPath`/v1/datasets/${id}/data`),
    close: () => client.close(),
  }
}

export type FeatureStoreClient = ReturnType<typeof featureStoreClient>
