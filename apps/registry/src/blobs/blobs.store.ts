import { type Database } from '@cascata/messaging'
import { type Content } from '@cascata/object-store'
import { uploadBroken } from '../errors.ts'
import { type BlobStore, type StoredBlob } from './blob-store.ts'

type Executor = Pick<Database, 'query'>

/** Notes a blob that is kept, so that tables can refer to it; one that is known is as young as its newest upload. True for a new one. */
const noteBlob = async (db: Executor, { sha256, size }: StoredBlob): Promise<boolean> => {
  const [row] = await db.query<{ fresh: boolean }>(
    `insert into blob (sha256, size) values ($1, $2)
     on conflict (sha256) do update set created_at = clock_timestamp() returning xmax = 0 as fresh`,
    [sha256, size],
  )
  return row!.fresh
}

/**
 * Keeps content and notes it. Throws what `BlobStore.put` throws.
 * The collector removes a blob and its row under the row's lock: content that comes again in that moment is found to be gone, and refused.
 */
export const keepBlob = async ({ db, blobs }: { db: Executor; blobs: BlobStore }, content: Content): Promise<StoredBlob> => {
  const stored = await blobs.put(content)
  if ((await noteBlob(db, stored)) && !(await blobs.holds(stored.sha256))) throw uploadBroken()
  return stored
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
