import { z } from 'zod'

const text = z.string().min(1).max(200)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')

const column = z.looseObject({ name: text, type: text, nullable: z.boolean().optional() })

/** What a version was made with, besides its data: enough to make it again. */
export const buildRecord = z.object({
  /** The built-in trainer, `command` or `image`. */
  trainer: text,
  /** Git commit of the trainer's code; null for a built-in one, and outside of a work tree. */
  commit: text.nullish(),
  /** Blob of what was not committed, as `git diff` shows it. */
  diffSha256: sha256.nullish(),
  /** Digest of the trainer's image. */
  image: text.nullish(),
  /** SHA-256 of each lock file beside the trainer's code, by its name. */
  lockFiles: z.record(z.string().max(200), sha256).default({}),
  /** What it ran on: versions of the platform and of the runtime, architecture, threads. */
  environment: z.record(z.string().max(200), z.string().max(1_000)).default({}),
  params: z.record(z.string(), z.unknown()).default({}),
  seed: z.int(),
  /** How much history was used, as the run found out: what a refit repeats. */
  fitted: z.record(z.string(), z.unknown()).nullish(),
  refit: z.boolean(),
})
export type BuildRecord = z.infer<typeof buildRecord>

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
  record: buildRecord.nullish(),
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
  /** null for what a client registered. */
  readonly record: BuildRecord | null
  /** ISO 8601 */
  readonly cutoff: string | null
  readonly state: VersionState
  readonly verdict: { verdict: 'approved' | 'rejected'; by: string; why: string | null; at: string } | null
  /** ISO 8601 */
  readonly registeredAt: string
  /** ISO 8601; deleted, and still to be restored. */
  readonly deletedAt: string | null
  /** Its files are gone; what they hashed to is not. */
  readonly purged: { at: string; by: string; modelSha256: string | null } | null
}
