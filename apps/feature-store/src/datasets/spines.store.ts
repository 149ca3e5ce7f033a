import { type Database } from '@cascata/messaging'

/** An uploaded spine, by the hash of what was sent. */
export interface StoredSpine {
  readonly sha256: string
  readonly columns: string[]
  readonly rows: number
}

export const findSpine = async (db: Pick<Database, 'query'>, sha256: string): Promise<StoredSpine | null> =>
  (await db.query<StoredSpine>('select sha256, columns, rows::float8 as rows from spine where sha256 = $1', [sha256]))[0] ?? null

export const addSpine = async (
  db: Pick<Database, 'query'>,
  { sha256, columns, rows, format, bytes }: StoredSpine & { format: 'parquet' | 'csv'; bytes: number },
): Promise<void> => {
  await db.query('insert into spine (sha256, format, bytes, columns, rows) values ($1, $2, $3, $4, $5) on conflict do nothing', [
    sha256,
    format,
    bytes,
    JSON.stringify(columns),
    rows,
  ])
}
