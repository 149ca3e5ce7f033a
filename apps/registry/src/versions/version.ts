import { z } from 'zod'

const text = z.string().min(1).max(200)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')

const column = z.looseObject({ name: text, type: text, nullable: z.boolean().optional() })

/** What `POST /v1/versions` takes: a version that a run of the platform has made. */
export const registration = z.object({
  namespace: text.default('default'),
  model: text,
  run: text,
  dataset: text.nullish(),
  datasetHash: sha256.nullish(),
  code: z.string().max(1_000).nullish(),
  modelSha256: sha256,
  inputs: z.object({ hash: sha256, schema: z.array(column).max(10_000) }).nullish(),
  signature: z.record(z.string(), z.unknown()).nullish(),
  goldenSha256: sha256.nullish(),
  profileSha256: sha256.nullish(),
  evidenceSha256: sha256.nullish(),
  revision: z.int().min(1),
  cutoff: z.iso.datetime().nullish(),
})
export type Registration = z.infer<typeof registration>

/** What `POST /v1/versions/…/verdict` takes: a person's word. */
export const verdict = z.object({
  verdict: z.enum(['approved', 'rejected']),
  by: text.nullish(),
  why: z.string().max(4_000).nullish(),
  evidenceSha256: sha256.nullish(),
})
export type Verdict = z.infer<typeof verdict>

export type VersionState = 'registered' | 'approved' | 'rejected'

/** A version as it is kept. */
export interface Version {
  readonly namespace: string
  readonly model: string
  readonly version: string
  readonly origin: 'platform' | 'client'
  readonly run: string | null
  readonly dataset: string | null
  readonly datasetHash: string | null
  readonly code: string | null
  readonly modelSha256: string | null
  readonly inputs: { hash: string; schema: { name: string; type: string; nullable?: boolean }[] } | null
  readonly signature: Record<string, unknown> | null
  readonly goldenSha256: string | null
  readonly profileSha256: string | null
  readonly evidenceSha256: string | null
  readonly revision: number | null
  /** ISO 8601 */
  readonly cutoff: string | null
  readonly state: VersionState
  readonly verdict: { verdict: 'approved' | 'rejected'; by: string; why: string | null; at: string } | null
  /** ISO 8601 */
  readonly registeredAt: string
}
