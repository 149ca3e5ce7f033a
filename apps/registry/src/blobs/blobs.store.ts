import { type Database } from '@cascata/messaging'
import { type StoredBlob } from './blob-store.ts'

/** Notes a blob that is on disk, so that tables can refer to it; known ones stay as they are. */
export const noteBlob = async (db: Pick<Database, 'query'>, { sha256, size }: StoredBlob): Promise<void> => {
  await db.query('insert into blob (sha256, size) values ($1, $2) on conflict do nothing', [sha256, size])
}

/** Those of the blobs that were never uploaded. */
export const missingBlobs = async (db: Pick<Database, 'query'>, wanted: readonly string[]): Promise<string[]> => {
  const rows = await db.query<{ sha256: string }>('select sha256 from blob where sha256 = any($1)', [wanted])
  const known = new Set(rows.map(({ sha256 }) => sha256))
  return wanted.filter((sha256) => !known.has(sha256))
}
