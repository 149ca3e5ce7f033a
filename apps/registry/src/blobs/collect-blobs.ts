import { type Database } from '@cascata/messaging'
import { hashOfKey } from '@cascata/object-store'
import { type BlobStore } from './blob-store.ts'

interface Parts {
  readonly db: Database
  readonly blobs: BlobStore
  /** How long a blob may lie without anything that refers to it, in ms. */
  readonly graceMs: number
}

/** Blobs that are looked at in one transaction. */
const batch = 100

/**
 * Notes content that has no row, with its own age: what lies there after a crash between the two. It is then collected like any other.
 */
const noteStrays = async ({ db, blobs, graceMs }: Parts, now: number, signal?: AbortSignal): Promise<void> => {
  let after: string | undefined
  do {
    const { objects, next } = await blobs.list(after)
    const old = objects.flatMap(({ key, size, modifiedAt }) => {
      const sha256 = hashOfKey(key)
      return sha256 && now - modifiedAt.getTime() > graceMs ? [{ sha256, size, modifiedAt }] : []
    })
    await db.query(
      `insert into blob (sha256, size, created_at) select * from unnest($1::text[], $2::bigint[], $3::timestamptz[]) on conflict do nothing`,
      [old.map(({ sha256 }) => sha256), old.map(({ size }) => size), old.map(({ modifiedAt }) => modifiedAt)],
    )
    after = next
  } while (after !== undefined && !signal?.aborted)
}

const unused = `created_at < $1 and not exists (select 1 from referenced_blob used where used.sha256 = blob.sha256)`

/** Removes one batch; row and content go under the row's lock. Returns how many went. */
const collectBatch = ({ db, blobs, graceMs }: Parts, now: number): Promise<number> =>
  db.transaction(async (tx) => {
    const before = new Date(now - graceMs)
    const rows = await tx.query<{ sha256: string }>(
      `select sha256 from blob where ${unused} order by sha256 limit ${batch} for update skip locked`,
      [before],
    )
    const gone = await tx.query<{ sha256: string }>(`delete from blob where sha256 = any($2) and ${unused} returning sha256`, [
      before,
      rows.map(({ sha256 }) => sha256),
    ])
    for (const { sha256 } of gone) await blobs.remove(sha256)
    return gone.length
  })

/** Removes every blob that nothing refers to and that is older than the grace period. Returns how many. */
export const collectBlobs = async (parts: Parts, now: number, signal?: AbortSignal): Promise<number> => {
  await noteStrays(parts, now, signal)
  let removed = 0
  while (!signal?.aborted) {
    const gone = await collectBatch(parts, now)
    removed += gone
    if (gone < batch) break
  }
  return removed
}
