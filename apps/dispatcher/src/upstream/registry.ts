import { createClient, urlPath, type Logger } from '@cascata/service'
import { type ModelSignature } from '@cascata/onnx'
import { type BuildRecord } from '../reproductions/build-record.ts'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

/** A version as the registry tells it. */
export interface RegisteredVersion {
  version: string
  origin: 'platform' | 'client'
  run: string | null
  modelSha256: string | null
  signature: ModelSignature | null
  goldenSha256: string | null
  cutoff: string | null
  datasetHash: string | null
  record: BuildRecord | null
}

export interface NewVersion {
  namespace: string
  model: string
  run: string
  dataset: string
  datasetHash: string
  code: string
  modelSha256: string
  inputs: { hash: string; schema: { name: string; type: string; nullable: boolean }[] }
  signature: ModelSignature
  goldenSha256: string
  profileSha256: string
  evidenceSha256: string
  revision: number
  cutoff: string
  record?: BuildRecord
}

/** The part of the registry that the dispatcher uses. Every failure is a CodedError; `retry` says whether it passes. */
export function registryClient({ baseUrl, token, log }: { baseUrl: string; token: string | null; log: Logger }) {
  const client = createClient({ baseUrl, token, log, timeoutMs: 60_000, retries: 3 })
  return {
    /** Keeps a file by its content. */
    async putFile(path: string): Promise<string> {
      const { size } = await stat(path)
      const headers = { 'content-length': String(size) }
      return (await client.upload<{ sha256: string }>('/v1/blobs', createReadStream(path), { headers })).sha256
    },
    putJson: async (value: unknown): Promise<string> =>
      (await client.upload<{ sha256: string }>('/v1/blobs', Buffer.from(JSON.stringify(value)))).sha256,
    putText: async (text: string): Promise<string> =>
      (await client.upload<{ sha256: string }>('/v1/blobs', Buffer.from(text))).sha256,
    blob: (sha256: string) => client.download(urlPath`/v1/blobs/${sha256}`),
    /** The same run again answers the same version. */
    register: (version: NewVersion) => client.post<RegisteredVersion>('/v1/versions', version, { idempotent: true }),
    version: (namespace: string, model: string, version: string) =>
      client.get<RegisteredVersion>(urlPath`/v1/versions/${namespace}/${model}/${version}`),
    close: () => client.close(),
  }
}

export type RegistryClient = ReturnType<typeof registryClient>
