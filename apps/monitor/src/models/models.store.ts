import { type Cause } from '@cascata/events'
import { type Database, type Tx } from '@cascata/messaging'

/** What the monitor knows of a model, besides its spec. */
export interface WatchedModel {
  /** `namespace/name` */
  readonly model: string
  readonly namespace: string
  readonly name: string
  readonly champion: string | null
  readonly candidate: string | null
  /** Data time of the latest prediction. */
  readonly seenUpTo: Date | null
  readonly ripe: number | null
  readonly labelled: number | null
  /** Up to where labels are ripe, and the event that said so. */
  readonly cutoff: Date | null
  readonly cutoffCause: Cause | null
  /** Up to where predictions have their labels. */
  readonly joinedUpTo: Date | null
  /** Up to where somebody waits for labels. */
  readonly wantedUpTo: Date | null
  /** Predictions up to this seq were asked for. */
  readonly joinedSeq: number
  /** Whether predictions came for a time whose labels were joined before. */
  readonly late: boolean
  readonly dirty: boolean
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>
type Name = { readonly namespace: string; readonly name: string }

const columns = `model, namespace, name, champion, candidate, seen_up_to as "seenUpTo", ripe::float8 as ripe, labelled::float8 as labelled,
  cutoff, cutoff_cause as "cutoffCause", joined_up_to as "joinedUpTo", wanted_up_to as "wantedUpTo",
  joined_seq::float8 as "joinedSeq", late, dirty`

export const findModel = async (db: Executor, model: string): Promise<WatchedModel | undefined> =>
  (await db.query<WatchedModel>(`select ${columns} from watched_model where model = $1`, [model]))[0]

export const allModels = (db: Executor): Promise<WatchedModel[]> =>
  db.query<WatchedModel>(`select ${columns} from watched_model order by model`)

/** The model's row, locked: whoever publishes facts about it holds it. Made when it is missing. */
export const lockModel = async (tx: Tx, { namespace, name }: Name): Promise<WatchedModel> => {
  const model = `${namespace}/${name}`
  await tx.query(`insert into watched_model (model, namespace, name) values ($1, $2, $3) on conflict do nothing`, [
    model,
    namespace,
    name,
  ])
  return (await tx.query<WatchedModel>(`select ${columns} from watched_model where model = $1 for update`, [model]))[0]!
}

/** Predictions of the model came, from and up to a data time. Those of a time that is joined already are late. */
export const sawPredictions = async (tx: Tx, { namespace, name }: Name, from: Date, upTo: Date): Promise<void> => {
  await tx.query(
    `insert into watched_model (model, namespace, name, seen_up_to, dirty) values ($1, $2, $3, $5, true)
     on conflict (model) do update set seen_up_to = greatest(watched_model.seen_up_to, excluded.seen_up_to), dirty = true,
       late = watched_model.late or coalesce(watched_model.joined_up_to >= $4::timestamptz, false)`,
    [`${namespace}/${name}`, namespace, name, from, upTo],
  )
}

export const keepServing = (tx: Tx, model: string, champion: string | null, candidate: string | null) =>
  tx.query(`update watched_model set champion = $2, candidate = $3, dirty = true where model = $1`, [model, champion, candidate])

export const keepRipe = (tx: Tx, model: string, ripe: { ripe: number; labelled: number; cutoff: string; cause: Cause }) =>
  tx.query(`update watched_model set ripe = $2, labelled = $3, cutoff = $4, cutoff_cause = $5, dirty = true where model = $1`, [
    model,
    ripe.ripe,
    ripe.labelled,
    ripe.cutoff,
    JSON.stringify(ripe.cause),
  ])

export const markDirty = (db: Executor, models: readonly string[]) =>
  db.query(`update watched_model set dirty = true where model = any($1)`, [models])

/** All models have to be judged: whoever did so before may have been stopped half way. */
export const markAllDirty = (db: Executor) => db.query(`update watched_model set dirty = true`)

/** Takes note that a model is about to be judged, as it is now: what changes later makes it dirty again. Undefined when nothing has changed. */
export const takeDirty = async (db: Executor, model: string): Promise<WatchedModel | undefined> =>
  (
    await db.query<WatchedModel>(`update watched_model set dirty = false where model = $1 and dirty returning ${columns}`, [
      model,
    ])
  )[0]

/** A join takes in what has come late so far. */
export const takeLate = (tx: Tx, model: string) => tx.query(`update watched_model set late = false where model = $1`, [model])

/** A span has been joined. What was kept for it since it was asked for is late. The model is locked. */
export const keepJoinedUpTo = (tx: Tx, model: string, { from, to, upToSeq }: { from: Date | null; to: Date; upToSeq: number }) =>
  tx.query(
    `update watched_model set joined_up_to = greatest(joined_up_to, $3), joined_seq = greatest(joined_seq, $4), dirty = true,
       late = late or exists (
         select 1 from prediction where model = $1 and ($2::timestamptz is null or at > $2) and at <= $3 and seq > $4
           and error is null and role <> 'shadow')
      where model = $1`,
    [model, from, to, upToSeq],
  )

/** Labels up to here are wanted soon. */
export const wantLabels = (db: Executor, model: string, upTo: Date) =>
  db.query(`update watched_model set wanted_up_to = greatest(wanted_up_to, $2) where model = $1`, [model, upTo])
