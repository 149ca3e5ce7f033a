import { type Database, type Tx } from '@cascata/messaging'
import { type ViewCount } from '../findings/decide-data-invalid.ts'

interface View {
  readonly namespace: string
  readonly view: string
}

/** Adds rows to the hour of a view's watermark; without a watermark, to the last hour that it had, else to `otherwise`. */
export const countRows = (
  tx: Tx,
  { namespace, view }: View,
  {
    accepted = 0,
    rejected = 0,
    watermark = null,
    otherwise,
  }: {
    accepted?: number
    rejected?: number
    watermark?: string | null
    otherwise: string
  },
) =>
  tx.query(
    `insert into view_rows (namespace, view, hour, accepted, rejected)
     values ($1, $2, date_trunc('hour', coalesce($3::timestamptz, (select max(hour) from view_rows where namespace = $1 and view = $2), $4::timestamptz), 'UTC'), $5, $6)
     on conflict (namespace, view, hour) do update
       set accepted = view_rows.accepted + excluded.accepted, rejected = view_rows.rejected + excluded.rejected`,
    [namespace, view, watermark, otherwise, accepted, rejected],
  )

/** How many rows of some views were taken and refused in a window, and which share is usual: that of all hours before. */
export const rowsIn = (
  db: Pick<Database, 'query'>,
  namespace: string,
  views: readonly string[],
  from: Date,
  to: Date,
): Promise<ViewCount[]> =>
  db.query<ViewCount>(
    `select view,
        coalesce(sum(accepted) filter (where hour >= $3), 0)::float8 as accepted,
        coalesce(sum(rejected) filter (where hour >= $3), 0)::float8 as rejected,
        coalesce(sum(rejected) filter (where hour < $3) / nullif(sum(accepted + rejected) filter (where hour < $3), 0), 0)::float8 as usual
      from view_rows where namespace = $1 and view = any($2) and hour < $4 group by view order by view`,
    [namespace, views, from, to],
  )

/** Forgets what is older than so many days before the newest hour of a view. */
export const forgetRows = (db: Pick<Database, 'query'>, days: number) =>
  db.query(
    `delete from view_rows old using (select namespace, view, max(hour) as newest from view_rows group by 1, 2) last
      where old.namespace = last.namespace and old.view = last.view and old.hour < last.newest - make_interval(days => $1)`,
    [days],
  )
