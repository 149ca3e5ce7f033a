import { buffer } from 'node:stream/consumers'
import { type Database } from '@cascata/messaging'
import { type Model } from '@cascata/resources'
import { isCodedError } from '@cascata/service'
import { type BlobStore } from '../blobs/blob-store.ts'
import { versionNotFound } from '../errors.ts'
import {
  type DatasetRecord,
  findDataset,
  findRoute,
  findTraining,
  type RouteRecord,
  stepsOf,
  type TrainingRecord,
  type VersionStep,
} from '../lineage/lineage.store.ts'
import { revisionsOf } from '../resources/resources.store.ts'
import { type ModelName } from '../versions/model-name.ts'
import { type Version } from '../versions/version.ts'
import { findVersion } from '../versions/versions.store.ts'
import { type Evidence, evidence } from './evidence.ts'

/** Everything on record of a version: what a comparison and a card are made of. */
export interface VersionFacts {
  readonly version: Version
  readonly model: Model | null
  readonly commit: string | null
  readonly run: TrainingRecord | null
  readonly dataset: DatasetRecord | null
  readonly evidence: Evidence | null
  readonly steps: readonly VersionStep[]
  readonly route: RouteRecord | null
}

const largestEvidence = 8 * 1024 ** 2

/** A blob as JSON; null when it is gone, too large, or no JSON. */
const jsonOf = async (blobs: BlobStore, sha256: string | null): Promise<unknown> => {
  if (sha256 === null) return null
  try {
    if ((await blobs.size(sha256)) > largestEvidence) return null
    return JSON.parse((await buffer(await blobs.read(sha256))).toString()) as unknown
  } catch (error) {
    if (error instanceof SyntaxError || (isCodedError(error) && error.status === 404)) return null
    throw error
  }
}

/** Reads what is known of a version. Throws `REG_VERSION_NOT_FOUND`. */
export const versionFacts =
  ({ db, blobs }: { db: Database; blobs: BlobStore }) =>
  async (name: ModelName, number: string): Promise<VersionFacts> => {
    const { namespace, model } = name
    const version = await findVersion(db, name, number)
    if (!version) throw versionNotFound({ version: `${namespace}/${model}/${number.slice(0, 40)}` })
    const [revisions, run, dataset, json, steps, route] = await Promise.all([
      revisionsOf(db, { kind: 'Model', namespace, name: model }),
      version.run === null ? undefined : findTraining(db, version.run),
      version.dataset === null ? undefined : findDataset(db, version.dataset),
      jsonOf(blobs, version.evidenceSha256),
      stepsOf(db, namespace, model, number),
      findRoute(db, namespace, model),
    ])
    const applied = revisions.find(({ revision }) => revision === version.revision)
    const read = evidence.safeParse(json)
    return {
      version,
      model: (applied?.resource as Model | undefined) ?? null,
      commit: applied?.commit ?? null,
      run: run ?? null,
      dataset: dataset ?? null,
      evidence: read.success ? read.data : null,
      steps,
      route: route ?? null,
    }
  }
