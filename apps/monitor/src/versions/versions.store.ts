import { type Database, type Tx } from '@cascata/messaging'
import { type Calibrator } from '@cascata/statistics'
import { type Reference } from '../windows/window.ts'

export interface Holdout {
  readonly metric: string
  readonly value: number
}

/** What the monitor knows of a version. */
export interface WatchedVersion {
  readonly model: string
  readonly version: string
  readonly state: 'unknown' | 'warming' | 'profiled'
  readonly reference: Reference | null
  readonly profileSha256: string | null
  /** It has seen observations up to here. */
  readonly cutoff: Date | null
  readonly holdout: Holdout | null
  readonly calibrator: Calibrator | null
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

export const findVersion = async (db: Executor, model: string, version: string): Promise<WatchedVersion | undefined> => {
  const [found] = await db.query<WatchedVersion>(
    `select model, version, state, reference, profile_sha256 as "profileSha256", cutoff, holdout, calibrator
       from watched_version where model = $1 and version = $2`,
    [model, version],
  )
  return found
}

export const keepRegistration = (
  tx: Tx,
  model: string,
  version: string,
  { profileSha256, cutoff }: { profileSha256: string | null; cutoff: string | null },
) =>
  tx.query(
    `insert into watched_version (model, version, profile_sha256, cutoff) values ($1, $2, $3, $4)
     on conflict (model, version) do update set profile_sha256 = excluded.profile_sha256, cutoff = excluded.cutoff`,
    [model, version, profileSha256, cutoff],
  )

export const keepHoldout = (tx: Tx, model: string, version: string, holdout: Holdout | null) =>
  tx.query(
    `insert into watched_version (model, version, holdout) values ($1, $2, $3)
     on conflict (model, version) do update set holdout = excluded.holdout`,
    [model, version, JSON.stringify(holdout)],
  )

/** Sets what rows are compared with; null: its first rows will become it. Never replaces one that is there. */
export const keepReference = (db: Executor, model: string, version: string, reference: Reference | null) =>
  db.query(
    `insert into watched_version (model, version, state, reference) values ($1, $2, $3, $4)
     on conflict (model, version) do update set state = excluded.state, reference = excluded.reference
      where watched_version.state <> 'profiled'`,
    [model, version, reference ? 'profiled' : 'warming', reference && JSON.stringify(reference)],
  )

export const keepCalibrator = (db: Executor, model: string, version: string, calibrator: Calibrator) =>
  db.query(`update watched_version set calibrator = $3 where model = $1 and version = $2`, [
    model,
    version,
    JSON.stringify(calibrator),
  ])
