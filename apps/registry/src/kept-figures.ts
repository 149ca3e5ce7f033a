import { type Database } from '@cascata/messaging'
import { type KeptFigures } from './metrics.ts'

/** Counts what is kept, with one statement. */
export const keptFigures = async (db: Database): Promise<KeptFigures> => {
  const [row] = await db.query<KeptFigures>(
    `select (select count(*)::float8 from blob) as blobs,
            (select coalesce(sum(size), 0)::float8 from blob) as bytes,
            (select coalesce(jsonb_agg(r), '[]') from
              (select kind, count(*) as count from resource where not deleted group by kind) r) as resources,
            (select coalesce(jsonb_agg(v), '[]') from (select state, count(*) as count from model_version group by state) v) as versions`,
  )
  return row!
}
