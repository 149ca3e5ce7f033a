import { type Database, type Tx } from '@cascata/messaging'
import { type WrittenSegment } from '../offline/segment-writer.ts'
import { type ImportFormat } from './convert.ts'
import { type Converted, type RejectedRow } from './take-rows.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

export type ImportState = 'receiving' | 'queued' | 'running' | 'done' | 'failed'

/** An import as it is stored. */
export interface Import {
  readonly id: string
  readonly viewId: number
  readonly namespace: string
  readonly view: string
  readonly state: ImportState
  readonly maxRejects: number | null
  readonly baseOffset: number | null
  readonly clock: number | null
  readonly erasures: number
  readonly rows: number
  readonly accepted: number
  readonly rejected: number
  readonly ignored: number
  readonly reasons: Readonly<Record<string, number>>
  readonly error: { readonly code: string; readonly message: string } | null
  readonly attempts: number
  readonly createdAt: Date
  readonly endedAt: Date | null
}

export interface ImportFile {
  readonly number: number
  readonly sha256: string
  readonly name: string
  readonly bytes: number
  readonly format: ImportFormat
  readonly rows: number
  readonly state: 'waiting' | 'converted' | 'repeated'
}

const select = `
  select import.id, view_id as "viewId", view.namespace, view.name as view, state, max_rejects::float8 as "maxRejects",
         base_offset::float8 as "baseOffset", clock::float8 as clock, import.erasures, rows::float8 as rows,
         import.accepted::float8 as accepted, import.rejected::float8 as rejected, import.ignored::float8 as ignored, reasons, error,
         attempts, import.created_at as "createdAt", ended_at as "endedAt"
    from import join view on view.id = view_id`

export const findImport = async (db: Executor, id: string): Promise<Import | null> =>
  (await db.query<Import>(`${select} where import.id = $1`, [id]))[0] ?? null

/** The import that is to be worked on next. */
export const nextImport = async (db: Executor): Promise<Import | null> =>
  (await db.query<Import>(`${select} where state in ('queued', 'running') order by queued_at limit 1`))[0] ?? null

export const listFiles = (db: Executor, id: string): Promise<ImportFile[]> =>
  db.query<ImportFile>(
    `select number, sha256, name, bytes::float8 as bytes, format, rows::float8 as rows, state from import_file where import_id = $1 order by number`,
    [id],
  )

export const listRejects = (db: Executor, id: string, limit: number): Promise<(RejectedRow & { file: number })[]> =>
  db.query(
    `select file, row_number::float8 as row, code, field, message from import_reject where import_id = $1 order by file, row_number limit $2`,
    [id, limit],
  )

export interface AskedFile {
  readonly sha256: string
  readonly name: string
  readonly bytes: number
  readonly format: ImportFormat
}

/** Adds an import, or lets one that failed begin anew; one that is there already stays as it is. */
export async function addImport(
  tx: Tx,
  {
    id,
    viewId,
    maxRejects,
    askedBy,
    files,
  }: { id: string; viewId: number; maxRejects: number | null; askedBy: string; files: readonly AskedFile[] },
): Promise<void> {
  await tx.query(`delete from import where id = $1 and state = 'failed'`, [id])
  const added = await tx.query(
    `insert into import (id, view_id, state, max_rejects, asked_by) values ($1, $2, 'receiving', $3, $4) on conflict do nothing returning 1 as one`,
    [id, viewId, maxRejects, askedBy],
  )
  if (added.length === 0)
    return void (await tx.query(`update import set max_rejects = $2 where id = $1 and state <> 'done'`, [id, maxRejects]))
  for (const [number, { sha256, name, bytes, format }] of files.entries())
    await tx.query('insert into import_file (import_id, number, sha256, name, bytes, format) values ($1, $2, $3, $4, $5, $6)', [
      id,
      number,
      sha256,
      name,
      bytes,
      format,
    ])
  await markRepeated(tx, id)
}

/** All files are here. */
export const queueImport = async (db: Executor, id: string): Promise<void> => {
  await db.query(`update import set state = 'queued', queued_at = now() where id = $1 and state = 'receiving'`, [id])
}

/** Files of an import whose content an import that is done had: they add nothing. */
const markRepeated = async (db: Executor, id: string): Promise<void> => {
  await db.query(
    `update import_file own set state = 'repeated'
      where import_id = $1 and state = 'waiting' and exists (
        select 1 from import_file other join import done on done.id = other.import_id
         where done.state = 'done' and other.sha256 = own.sha256 and done.view_id = (select view_id from import where id = $1))`,
    [id],
  )
}

/** Takes an import up: its offsets begin after those of all imports of the view that began before. */
export const beginImport = async (db: Executor, id: string, clock: number, erasures: number): Promise<void> => {
  await markRepeated(db, id)
  await db.query(
    `update import set state = 'running', clock = $2, erasures = $3,
            base_offset = (select coalesce(max(other.base_offset + other.rows), 0) from import other where other.view_id = import.view_id and other.id <> import.id)
      where id = $1`,
    [id, clock, erasures],
  )
}

/** Records what came of some rows of a file, which makes them count as converted. */
export async function addConverted(
  tx: Tx,
  { id, baseOffset, rows }: Pick<Import, 'id' | 'rows'> & { baseOffset: number },
  file: Pick<ImportFile, 'number' | 'rows'>,
  { toRow, segments, rejected, reasons, sample, ignored }: Converted,
): Promise<void> {
  const count = toRow - file.rows
  const from = baseOffset + rows
  for (const segment of segments)
    await tx.query('insert into import_segment (import_id, segment, from_offset, to_offset) values ($1, $2, $3, $4)', [
      id,
      JSON.stringify(segment),
      from,
      from + count,
    ])
  await tx.query('update import_file set rows = $3 where import_id = $1 and number = $2', [id, file.number, toRow])
  await tx.query(
    `update import set rows = rows + $2, accepted = accepted + $3, rejected = rejected + $4, ignored = ignored + $5,
            reasons = (select coalesce(jsonb_object_agg(code, total), '{}') from (
              select key as code, sum(value::bigint) as total from (select * from jsonb_each_text(reasons) union all select * from jsonb_each_text($6)) counted group by key) summed)
      where id = $1`,
    [id, count, segments.reduce((sum, segment) => sum + segment.rows, 0), rejected, ignored, JSON.stringify(reasons)],
  )
  await tx.query(
    `insert into import_reject (import_id, file, row_number, code, field, message)
     select $1, $2, each.* from unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) as each
      where (select count(*) from import_reject where import_id = $1) < 1000 on conflict do nothing`,
    [
      id,
      file.number,
      sample.map(({ row }) => row),
      sample.map(({ code }) => code),
      sample.map(({ field }) => field ?? null),
      sample.map(({ message }) => message ?? null),
    ],
  )
}

export const markConverted = async (db: Executor, id: string, number: number): Promise<void> => {
  await db.query(`update import_file set state = 'converted' where import_id = $1 and number = $2`, [id, number])
}

/** A segment of an import that does not count yet. */
export interface ImportSegment {
  readonly segment: WrittenSegment
  readonly from: number
  readonly to: number
}

export const listSegments = (db: Executor, id: string): Promise<ImportSegment[]> =>
  db.query<ImportSegment>(
    'select segment, from_offset::float8 as from, to_offset::float8 as to from import_segment where import_id = $1 order by id',
    [id],
  )

/** Forgets what was converted: it begins anew. */
export const restartImport = async (tx: Tx, id: string): Promise<void> => {
  await tx.query('delete from import_segment where import_id = $1', [id])
  await tx.query('delete from import_reject where import_id = $1', [id])
  await tx.query(`update import_file set rows = 0, state = 'waiting' where import_id = $1 and state = 'converted'`, [id])
  await tx.query(
    `update import set state = 'queued', base_offset = null, rows = 0, accepted = 0, rejected = 0, ignored = 0, reasons = '{}' where id = $1`,
    [id],
  )
}

/** Ends an import; its segments are the view's now, or nobody's. */
export const endImport = async (tx: Executor, id: string, error: Import['error']): Promise<void> => {
  await tx.query('delete from import_segment where import_id = $1', [id])
  await tx.query('update import set state = $2, error = $3, ended_at = now() where id = $1', [
    id,
    error ? 'failed' : 'done',
    error ? JSON.stringify(error) : null,
  ])
}

export const countAttempt = async (db: Executor, id: string): Promise<number> =>
  (await db.query<{ attempts: number }>('update import set attempts = attempts + 1 where id = $1 returning attempts', [id]))[0]!
    .attempts

/** Forgets imports whose files never came; returns their ids. */
export const forgetAbandoned = async (db: Executor): Promise<string[]> =>
  (
    await db.query<{ id: string }>(
      `delete from import where state = 'receiving' and created_at < now() - interval '7 days' returning id`,
    )
  ).map(({ id }) => id)

/** The offset after the last row that was imported into a view; 0: none was. */
export const importedUpTo = async (db: Executor, viewId: number): Promise<number> =>
  (
    await db.query<{ end: number | null }>(
      `select max(base_offset + rows)::float8 as end from import where view_id = $1 and state = 'done'`,
      [viewId],
    )
  )[0]?.end ?? 0
