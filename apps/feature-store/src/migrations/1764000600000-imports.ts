import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Files of rows that are imported. */
export class Imports1764000600000 implements MigrationInterface {
  name = 'Imports1764000600000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [imports, files, segments, rejects]) await runner.query(statement)
    await runner.query('create index import_by_view on import (view_id)')
    await runner.query(`create index import_open on import (queued_at) where state in ('queued', 'running')`)
    await runner.query(`create index import_segment_file on import_segment ((segment->>'file'))`)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table import_reject, import_segment, import_file, import')
  }
}

const imports = `
  create table import (
    -- Of the view and the content of the files: the same files again are the same import.
    id text primary key,
    view_id integer not null references view (id) on delete cascade on update cascade,
    state text not null check (state in ('receiving', 'queued', 'running', 'done', 'failed')),
    max_rejects bigint,
    -- Offset of its first row in the partition of imports; null before it runs.
    base_offset bigint,
    -- The ingest clock of all its rows, Unix ms.
    clock bigint,
    -- The erasures of the view that its segments are without.
    erasures integer not null default 0,
    rows bigint not null default 0,
    accepted bigint not null default 0,
    rejected bigint not null default 0,
    ignored bigint not null default 0,
    reasons jsonb not null default '{}',
    error jsonb,
    attempts integer not null default 0,
    asked_by text not null,
    created_at timestamptz not null default now(),
    queued_at timestamptz,
    ended_at timestamptz
  )`

const files = `
  create table import_file (
    import_id text not null references import (id) on delete cascade,
    number integer not null,
    sha256 text not null,
    name text not null,
    bytes bigint not null,
    format text not null check (format in ('parquet', 'csv', 'ndjson')),
    -- Rows that were converted.
    rows bigint not null default 0,
    -- waiting; converted; repeated: an earlier import of the view had this content.
    state text not null default 'waiting' check (state in ('waiting', 'converted', 'repeated')),
    primary key (import_id, number)
  )`

const segments = `
  create table import_segment (
    id bigint generated always as identity primary key,
    import_id text not null references import (id) on delete cascade,
    -- Written and durable; it counts when the import is done.
    segment jsonb not null,
    from_offset bigint not null,
    to_offset bigint not null
  )`

const rejects = `
  create table import_reject (
    import_id text not null references import (id) on delete cascade,
    file integer not null,
    -- From 1.
    row_number bigint not null,
    code text not null,
    field text,
    message text,
    primary key (import_id, file, row_number)
  )`
