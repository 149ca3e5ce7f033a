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
  readonly dirty: boolean
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>
type Name = { readonly namespace: string; readonly name: string }

const columns = `model, namespace, name, champion, candidate, seen_up_to as "seenUpTo", ripe::float8 as ripe, labelled::float8 as labelled,
  cutoff, cutoff_cause as "cutoffCause", joined_up_to as "joinedUpTo", wanted_up_to as "wantedUpTo", dirty`

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

/** Predictions of the model came, up to a data time. */
export const sawPredictions = async (tx: Tx, { namespace, name }: Name, upTo: Date): Promise<void> => {
  await tx.query(
    `insert into watched_model (model, namespace, name, seen_up_to, dirty) values ($1, $2, $3, $4, true)
     on conflict (model) do update set seen_up_to = greatest(watched_model.seen_up_to, excluded.seen_up_to), dirty = true`,
    [`${namespace}/${name}`, namespace, name, upTo],
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

export const markClean = (db: Executor, model: string) =>
  db.query(`update watched_model set dirty = false where model = $1`, [model])

export const keepJoinedUpTo = (tx: Tx, model: string, upTo: Date) =>
  tx.query(`update watched_model set joined_up_to = greatest(joined_up_to, $2), dirty = true where model = $1`, [model, upTo])

/** Labels up to here are wanted soon. */
export const wantLabels = (db: Executor, model: string, upTo: Date) =>
  db.query(`update watched_model set wanted_up_to = greatest(wanted_up_to, $2) where model = $1`, [model, upTo])
