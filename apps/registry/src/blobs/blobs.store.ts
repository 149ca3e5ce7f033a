import { type Database } from '@cascata/messaging'
import { type Content } from '@cascata/object-store'
import { uploadBroken } from '../errors.ts'
import { type BlobStore, type StoredBlob } from './blob-store.ts'

type Executor = Pick<Database, 'query'>

/** Notes a blob that is kept, so that tables can refer to it; one that is known is as young as its newest upload. */
const noteBlob = async (db: Executor, { sha256, size }: StoredBlob): Promise<{ fresh: boolean; at: string }> => {
  const [row] = await db.query<{ fresh: boolean; at: string }>(
    `insert into blob (sha256, size) values ($1, $2)
     on conflict (sha256) do update set created_at = clock_timestamp() returning xmax = 0 as fresh, created_at::text as at`,
    [sha256, size],
  )
  return row!
}

/**
 * Keeps content and notes it. Throws what `BlobStore.put` throws.
 * The collector removes a blob and its row under the row's lock: content that comes again in that moment is found to be gone, and refused.
 */
export const keepBlob = async ({ db, blobs }: { db: Executor; blobs: BlobStore }, content: Content): Promise<StoredBlob> => {
  const stored = await blobs.put(content)
  const { fresh, at } = await noteBlob(db, stored)
  if (!fresh || (await blobs.holds(stored.sha256))) return stored
  // Unless the content came once more meanwhile: then the row is the other upload's.
  await db.query('delete from blob where sha256 = $1 and created_at = $2::timestamptz', [stored.sha256, at])
  throw uploadBroken()
}

/** Keeps a value as JSON. */
export const keepJson = (parts: { db: Executor; blobs: BlobStore }, value: unknown): Promise<StoredBlob> =>
  keepBlob(parts, [Buffer.from(JSON.stringify(value))])

/** Those of the blobs that were never uploaded. */
export const missingBlobs = async (db: Executor, wanted: readonly string[]): Promise<string[]> => {
  const rows = await db.query<{ sha256: string }>('select sha256 from blob where sha256 = any($1)', [wanted])
  const known = new Set(rows.map(({ sha256 }) => sha256))
  return wanted.filter((sha256) => !known.has(sha256))
}
