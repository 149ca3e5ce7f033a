import { type Database, type Tx } from '@cascata/messaging'
import { type Clock, currentCause, currentPrincipal } from '@cascata/service'
import { record } from '../audit/audit.store.ts'
import { missingBlobs } from '../blobs/blobs.store.ts'
import { blobMissing } from '../errors.ts'
import { correlationOf } from '../lineage/lineage.store.ts'
import { sayToWebhooks } from '../webhooks/webhooks.store.ts'
import { registeredName } from './model-name.ts'
import { sayRegistered } from './say-registered.ts'
import { type Registration, type Version } from './version.ts'
import { addVersion, lockModel, versionOfRun } from './versions.store.ts'

const refuseMissingBlobs = async (
  tx: Tx,
  { modelSha256, goldenSha256, profileSha256, evidenceSha256, record: made }: Registration,
): Promise<void> => {
  const named = Object.entries({ modelSha256, goldenSha256, profileSha256, evidenceSha256, diffSha256: made?.diffSha256 }).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  const missing = await missingBlobs(
    tx,
    named.map(([, sha256]) => sha256),
  )
  const [name, sha256] = named.find(([, each]) => missing.includes(each)) ?? []
  if (name !== undefined && sha256 !== undefined) throw blobMissing({ name, sha256 })
}

/**
 * Registers the version of a run, once: the same run again gives the same version. Throws `REG_BLOB_MISSING`.
 * The fact is caused by what the caller names, else it joins the cascade of the run's request.
 */
export const registerVersion =
  ({ db, clock }: { db: Database; clock: Clock }) =>
  async (asked: Registration): Promise<Version> =>
    db.transaction(async (tx) => {
      await lockModel(tx, asked, clock.now())
      const known = await versionOfRun(tx, asked, asked.run)
      if (known) return known
      await refuseMissingBlobs(tx, asked)
      const who = currentPrincipal().name
      const version = await addVersion(tx, newVersion(asked, who), clock.now())
      const subject = `${version.namespace}/${version.model}/${version.version}`
      await record(tx, { who, action: 'version.registered', namespace: version.namespace, subject, details: { run: asked.run } })
      const created = {
        name: registeredName(version),
        version: version.version,
        source: '',
        run_id: asked.run,
        tags: {},
        description: '',
      }
      await sayToWebhooks(tx, { entity: 'MODEL_VERSION', action: 'CREATED', data: created }, clock.now())
      const cascade = currentCause() ? undefined : await correlationOf(tx, asked.run)
      await sayRegistered(tx, { ...version, revision: asked.revision }, cascade)
      return version
    })

const newVersion = (asked: Registration, user: string) => ({
  namespace: asked.namespace,
  model: asked.model,
  origin: 'platform' as const,
  run: asked.run,
  dataset: asked.dataset ?? null,
  datasetHash: asked.datasetHash ?? null,
  code: asked.code ?? null,
  modelSha256: asked.modelSha256,
  inputs: (asked.inputs ?? null) as Version['inputs'],
  signature: asked.signature ?? null,
  goldenSha256: asked.goldenSha256 ?? null,
  profileSha256: asked.profileSha256 ?? null,
  evidenceSha256: asked.evidenceSha256 ?? null,
  revision: asked.revision,
  record: asked.record ?? null,
  cutoff: asked.cutoff ?? null,
  source: '',
  description: '',
  user,
})
