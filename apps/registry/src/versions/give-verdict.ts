import { versionApproved, versionRejected } from '@cascata/events'
import { type Database, fact, type Tx } from '@cascata/messaging'
import { type Clock, currentPrincipal } from '@cascata/service'
import { record } from '../audit/audit.store.ts'
import { missingBlobs } from '../blobs/blobs.store.ts'
import { blobMissing, modelNotApplied, versionNotFound } from '../errors.ts'
import { findResource } from '../resources/resources.store.ts'
import { decideVerdict } from './decide-verdict.ts'
import { type ModelName } from './model-name.ts'
import { registrationOf } from './say-registered.ts'
import { type Verdict, type Version } from './version.ts'
import { findVersion, lockModel, saveVerdict } from './versions.store.ts'

/** The revision of the applied Model; throws `REG_MODEL_NOT_APPLIED`. */
const revisionOf = async (tx: Tx, { namespace, model }: ModelName): Promise<number> => {
  const resource = await findResource(tx, { kind: 'Model', namespace, name: model })
  if (!resource || resource.deleted) throw modelNotApplied({ model: `${namespace}/${model}` })
  return resource.revision
}

/**
 * A person approves or rejects a version; the deployer hears of it. The same verdict again changes nothing.
 * Throws `REG_VERSION_NOT_FOUND`, `REG_MODEL_NOT_APPLIED`, `REG_BLOB_MISSING`.
 */
export const giveVerdict =
  ({ db, clock }: { db: Database; clock: Clock }) =>
  async (name: ModelName, number: string, { verdict, by, why, evidenceSha256 }: Verdict): Promise<Version> =>
    db.transaction(async (tx) => {
      const subject = `${name.namespace}/${name.model}/${number}`
      if (!(await findVersion(tx, name, number))) throw versionNotFound({ version: subject })
      await lockModel(tx, name, clock.now())
      const version = (await findVersion(tx, name, number))!
      if (decideVerdict(version.state, verdict).is === 'stands') return version
      if (evidenceSha256 && (await missingBlobs(tx, [evidenceSha256])).length > 0) {
        throw blobMissing({ name: 'evidenceSha256', sha256: evidenceSha256 })
      }
      const revision = version.revision ?? (await revisionOf(tx, name))
      const who = by ?? currentPrincipal().name
      const at = new Date(clock.now()).toISOString()
      await saveVerdict(tx, name, number, { verdict, by: who, why: why ?? null, at, evidenceSha256: evidenceSha256 ?? null })
      await record(tx, { who, action: `version.${verdict}`, namespace: name.namespace, subject, details: { why: why ?? null } })
      const evidence = evidenceSha256 ?? version.evidenceSha256
      const said = { ...name, revision, version: number, run: version.run, evidence, by: who, why: why ?? null }
      await tx.publish(
        verdict === 'approved' ? fact(versionApproved, { ...said, verdict }) : fact(versionRejected, { ...said, verdict }),
        { causedBy: await registrationOf(tx, name, number) },
      )
      return (await findVersion(tx, name, number))!
    })
