import { type Database, type Tx } from '@cascata/messaging'
import { type ModelName, registeredName } from './model-name.ts'
import { type Version, type VersionState } from './version.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** What a new version is made of; MLflow's part is `source`, `description` and `user`. */
export type NewVersion = Omit<Version, 'version' | 'state' | 'verdict' | 'registeredAt' | 'deletedAt' | 'purged'> & {
  readonly source: string
  readonly description: string
  readonly user: string
}

interface Row {
  namespace: string
  model: string
  version: string
  origin: 'platform' | 'client'
  run: string | null
  dataset: string | null
  dataset_hash: string | null
  code: string | null
  model_sha256: string | null
  inputs: Version['inputs']
  signature: Version['signature']
  golden_sha256: string | null
  profile_sha256: string | null
  evidence_sha256: string | null
  revision: number | null
  record: Version['record']
  cutoff: Date | null
  state: VersionState
  verdict: Version['verdict']
  creation_time: string
  deleted_at: Date | null
  purged: Version['purged']
}

const columns = `namespace, model, version, origin, run, dataset, dataset_hash, code, model_sha256, inputs, signature, golden_sha256,
  profile_sha256, evidence_sha256, revision::float8 as revision, record, cutoff, state, verdict, creation_time, deleted_at, purged`

const toVersion = (row: Row): Version => ({
  namespace: row.namespace,
  model: row.model,
  version: row.version,
  origin: row.origin,
  run: row.run,
  dataset: row.dataset,
  datasetHash: row.dataset_hash,
  code: row.code,
  modelSha256: row.model_sha256,
  inputs: row.inputs,
  signature: row.signature,
  goldenSha256: row.golden_sha256,
  profileSha256: row.profile_sha256,
  evidenceSha256: row.evidence_sha256,
  revision: row.revision,
  record: row.record,
  cutoff: row.cutoff?.toISOString() ?? null,
  state: row.state,
  verdict: row.verdict,
  registeredAt: new Date(Number(row.creation_time)).toISOString(),
  deletedAt: row.deleted_at?.toISOString() ?? null,
  purged: row.purged,
})

/** Takes hold of a registered model until the end of the transaction, making it when it is new: its versions are counted under this lock. */
export const lockModel = async (tx: Tx, model: ModelName, now: number): Promise<void> => {
  await tx.query(
    `insert into registered_model (name, namespace, model, creation_time, last_updated_time) values ($1, $2, $3, $4, $4)
     on conflict do nothing`,
    [registeredName(model), model.namespace, model.model, now],
  )
  // Not by the conflict: its name is unique too, and one that is made at the same moment would fail on that.
  const [row] = await tx.query<{ deleted: boolean }>(
    'select deleted_at is not null as deleted from registered_model where namespace = $1 and model = $2 for update',
    [model.namespace, model.model],
  )
  if (row?.deleted)
    await tx.query('update registered_model set deleted_at = null where namespace = $1 and model = $2', [
      model.namespace,
      model.model,
    ])
}

/** The next version of a locked model, written; of a number of the caller's choice where that is free. */
export const addVersion = async (tx: Tx, version: NewVersion, now: number, number?: string): Promise<Version> => {
  const [counted] = await tx.query<{ last_version: string }>(
    `update registered_model set last_version = greatest(last_version, coalesce($4::bigint, last_version + 1)), last_updated_time = $3
      where namespace = $1 and model = $2 returning last_version`,
    [version.namespace, version.model, now, number ?? null],
  )
  const [row] = await tx.query<Row>(
    `insert into model_version (namespace, model, version, origin, run, dataset, dataset_hash, code, model_sha256, inputs, signature,
       golden_sha256, profile_sha256, evidence_sha256, revision, cutoff, source, description, user_id, creation_time, last_updated_time, record)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20, $21) returning ${columns}`,
    [
      version.namespace,
      version.model,
      number ?? counted!.last_version,
      version.origin,
      version.run,
      version.dataset,
      version.datasetHash,
      version.code,
      version.modelSha256,
      version.inputs && JSON.stringify(version.inputs),
      version.signature && JSON.stringify(version.signature),
      version.goldenSha256,
      version.profileSha256,
      version.evidenceSha256,
      version.revision,
      version.cutoff,
      version.source,
      version.description,
      version.user,
      now,
      version.record && JSON.stringify(version.record),
    ],
  )
  return toVersion(row!)
}

/** The version that a run of the platform has made. */
export const versionOfRun = async (db: Executor, { namespace, model }: ModelName, run: string): Promise<Version | undefined> => {
  const rows = await db.query<Row>(
    `select ${columns} from model_version where namespace = $1 and model = $2 and run = $3 and origin = 'platform'`,
    [namespace, model, run],
  )
  return rows[0] && toVersion(rows[0])
}

const isNumber = (version: string): boolean => /^[1-9][0-9]{0,17}$/.test(version)

export const findVersion = async (
  db: Executor,
  { namespace, model }: ModelName,
  version: string,
): Promise<Version | undefined> => {
  if (!isNumber(version)) return undefined
  const rows = await db.query<Row>(`select ${columns} from model_version where namespace = $1 and model = $2 and version = $3`, [
    namespace,
    model,
    version,
  ])
  return rows[0] && toVersion(rows[0])
}

/** All versions of a model, newest first. */
export const versionsOf = async (db: Executor, { namespace, model }: ModelName): Promise<Version[]> =>
  (
    await db.query<Row>(`select ${columns} from model_version where namespace = $1 and model = $2 order by version desc`, [
      namespace,
      model,
    ])
  ).map(toVersion)

/** Writes a verdict; false when there is no such version. */
export const saveVerdict = async (
  tx: Tx,
  { namespace, model }: ModelName,
  version: string,
  given: NonNullable<Version['verdict']> & { evidenceSha256: string | null },
): Promise<boolean> => {
  const { evidenceSha256, ...verdict } = given
  const rows = await tx.query(
    `update model_version set state = $4, verdict = $5, evidence_sha256 = coalesce($6, evidence_sha256), last_updated_time = $7
      where namespace = $1 and model = $2 and version = $3 returning 1 as one`,
    [namespace, model, version, verdict.verdict, JSON.stringify(verdict), evidenceSha256, Date.parse(verdict.at)],
  )
  return rows.length > 0
}
