import { type Database, type Tx } from '@cascata/messaging'
import { modelOf, type Prediction } from './prediction.ts'
import { storableJson, storableText } from './storable.ts'

/** A prediction that is kept. `seq` grows in the order in which they were kept: of equals, the greater is the later. */
export interface KeptPrediction {
  readonly seq: number
  readonly version: string
  readonly role: Prediction['role']
  readonly at: Date
  readonly entities: Readonly<Record<string, string | number | boolean | null>>
  readonly features: Prediction['features']
  readonly output: unknown
  readonly probability: number | Readonly<Record<string, number>> | null
  readonly label: string | number | boolean | null
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

const dayOf = (now: number) => new Date(now).toISOString().slice(0, 10)
const partitionOf = (day: string) => `prediction_${day.replaceAll('-', '')}`

/** Makes the partition of a day. Two replicas may do so at once. */
export const ensurePartition = (db: Database, day: string): Promise<void> =>
  db.transaction(async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [`${db.schema} partitions`])
    await tx.query(
      `create table if not exists ${partitionOf(day)} partition of prediction
         for values from ('${day}') to ('${dayOf(Date.parse(day) + 86_400_000)}')`,
    )
  })

/** Keeps predictions. The partition of the day is there already. */
export const keepPredictions = async (tx: Tx, predictions: readonly Prediction[], now: number): Promise<void> => {
  if (predictions.length === 0) return
  const column = <T>(of: (prediction: Prediction) => T) => predictions.map(of)
  await tx.query(
    `insert into prediction (kept_on, model, version, role, id, at, unit, bucket, propensity, entities, features, output, probability, error, rollout, step)
     select $1::date, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::int[], $9::float8[],
       $10::jsonb[], $11::jsonb[], $12::jsonb[], $13::jsonb[], $14::text[], $15::text[], $16::bigint[])`,
    [
      dayOf(now),
      column(modelOf),
      column(({ version }) => version),
      column(({ role }) => role),
      column(({ id }) => storableText(id)),
      column(({ at }) => at),
      column(({ unit }) => storableText(unit)),
      column(({ bucket }) => bucket),
      column(({ propensity }) => propensity),
      column(({ entities }) => storableJson(entities)),
      column(({ features }) => storableJson(features)),
      column(({ output }) => storableJson(output)),
      column(({ probability }) => storableJson(probability)),
      column(({ error }) => (error === undefined ? null : storableText(error))),
      column(({ rollout }) => (rollout === undefined ? null : storableText(rollout))),
      column(({ step }) => step ?? null),
    ],
  )
}

const kept = `seq::float8 as seq, version, role, at, entities, features, output, probability, label`

/** The first answers of a version: what a reference is made of when there is no profile. */
export const firstOfVersion = (db: Executor, model: string, version: string, limit: number): Promise<KeptPrediction[]> =>
  db.query<KeptPrediction>(
    `select ${kept} from prediction where model = $1 and version = $2 and error is null and role <> 'shadow' order by seq limit $3`,
    [model, version, limit],
  )

/** The span of a join: later than `from` or kept after `lateFromSeq`, up to `to`, kept up to `seq`. */
export interface Span {
  readonly model: string
  readonly from: Date | null
  /** Null: nothing of an earlier time has come late. */
  readonly lateFromSeq: number | null
  readonly to: Date
  readonly upToSeq: number
}

const isAnswer = `error is null and role <> 'shadow'`
const inSpan = (late: boolean) =>
  `model = $1 and ($2::timestamptz is null or at > $2 ${late ? 'or seq > $5' : ''}) and at <= $3 and seq <= $4 and ${isAnswer}
   and $5::bigint is not distinct from $5`
const spanOf = ({ model, from, to, upToSeq, lateFromSeq }: Span) => [model, from, to, upToSeq, lateFromSeq]

/** The answers of a span, of those by one version about one entity and time the last; by `seq`, in pages. */
export const answersOf = (db: Executor, span: Span, after: number, limit: number): Promise<KeptPrediction[]> =>
  db.query<KeptPrediction>(
    `select ${kept} from (
       select distinct on (version, entities, at) * from prediction where ${inSpan(span.lateFromSeq !== null)} order by version, entities, at, seq desc
     ) last where seq > $6 order by seq limit $7`,
    [...spanOf(span), after, limit],
  )

/** The end of a span that holds at most `limit` predictions from its start, but for late ones, which are taken all. */
export const endOfSpan = async (db: Executor, span: Span, limit: number): Promise<Date> => {
  const [last] = await db.query<{ at: Date }>(
    `select at from prediction where ${inSpan(span.lateFromSeq !== null)} order by at offset $6 limit 1`,
    [...spanOf(span), limit - 1],
  )
  if (!last) return span.to
  return span.from && last.at < span.from ? span.from : last.at
}

const lockKey = `hashtextextended(current_schema() || ' predictions', 0)`

/** Shared by those who keep predictions, until they commit. */
export const lockKeeping = (tx: Tx) => tx.query(`select pg_advisory_xact_lock_shared(${lockKey})`)

/** The greatest `seq` of all that is kept. Waits for those who are keeping, so that none with a smaller one comes afterwards. */
export const lastSeq = async (tx: Tx): Promise<number> => {
  await tx.query(`select pg_advisory_xact_lock(${lockKey})`)
  return (await tx.query<{ seq: number }>(`select last_value::float8 as seq from prediction_seq`))[0]!.seq
}

/** Writes labels to predictions. */
export const keepLabels = (tx: Tx, labels: readonly { seq: number; label: unknown }[]) =>
  tx.query(
    `update prediction p set label = l.label from unnest($1::bigint[], $2::jsonb[]) as l (seq, label) where p.seq = l.seq`,
    [labels.map(({ seq }) => seq), labels.map(({ label }) => storableJson(label))],
  )

const lastServed = `select distinct on (entities, at) ${kept}, propensity, bucket from prediction
  where model = $1 and version = $2 and at >= $3 and at < $4 and error is null and role <> 'shadow'`

/** What a version answered in a window, of answers about one entity and time the last; at most `limit`, spread over the window. */
export const servedIn = (
  db: Executor,
  model: string,
  version: string,
  from: Date,
  to: Date,
  limit: number,
): Promise<KeptPrediction[]> =>
  db.query<KeptPrediction>(
    `select * from (${lastServed} order by entities, at, seq desc) served order by hashtext(entities::text), seq limit $5`,
    [model, version, from, to, limit],
  )

/** What a version answered to units that a split gave to it by chance: the only rows that compare versions fairly. */
export const randomisedIn = (
  db: Executor,
  model: string,
  version: string,
  from: Date,
  to: Date,
  limit: number,
): Promise<KeptPrediction[]> =>
  db.query<KeptPrediction>(
    `select * from (${lastServed} and propensity < 1 and propensity > 0 and bucket is not null and role in ('champion', 'candidate')
       order by entities, at, seq desc) served order by hashtext(entities::text), seq limit $5`,
    [model, version, from, to, limit],
  )

/** The days that have a partition. */
export const partitions = async (db: Database): Promise<string[]> =>
  (
    await db.query<{ name: string }>(
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        join pg_namespace n on n.oid = p.relnamespace where p.relname = 'prediction' and n.nspname = $1 order by 1`,
      [db.schema],
    )
  ).map(({ name }) => name.replace(/^prediction_(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'))

export const dropPartition = (db: Database, day: string) => db.query(`drop table if exists ${partitionOf(day)}`)

/** Deletes up to `limit` predictions of a model from before a day; answers how many. */
export const deleteBefore = async (db: Database, model: string, day: string, limit: number): Promise<number> =>
  (
    await db.query<{ deleted: number }>(
      `with gone as (
         delete from prediction where (kept_on, seq) in (select kept_on, seq from prediction where model = $1 and kept_on < $2 limit $3) returning 1
       ) select count(*)::int as deleted from gone`,
      [model, day, limit],
    )
  )[0]!.deleted
