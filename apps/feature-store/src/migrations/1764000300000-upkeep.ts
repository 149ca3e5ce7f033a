import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Segments are merged, rewritten without erased entities, and dropped with age; a view whose key has changed is built anew. */
export class Upkeep1764000300000 implements MigrationInterface {
  name = 'Upkeep1764000300000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [segments, views, erasures, versions]) await runner.query(statement)
    for (const table of followers) await runner.query(followId(table, 'on update cascade'))
    await runner.query('create unique index erasure_pending on erasure (view_id, number) where done_at is null')
    await runner.query('create index version_by_dataset on dataset_version (dataset_hash)')
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table dataset_version, erasure')
    for (const table of followers) await runner.query(followId(table, ''))
    await runner.query('alter table view drop column building, drop column erasures')
    await runner.query(
      'alter table segment drop column position, drop column compacted, drop column erasures, drop column ingested_at',
    )
  }
}

/** Tables whose rows go with a view when it gets another id. */
const followers = ['view_revision', 'view_partition', 'watermark_log', 'rejected', 'rejected_payload', 'finding']

const followId = (table: string, rule: string): string => `
  alter table ${table} drop constraint ${table}_view_id_fkey,
    add constraint ${table}_view_id_fkey foreign key (view_id) references view (id) on delete cascade ${rule}`

const segments = `
  alter table segment
    -- Its place among the segments of the view, null: its id. A merged one stands where the last of those stood that it is made of.
    add column position bigint,
    add column compacted boolean not null default false,
    -- It holds no row of the erasures of the view up to this one.
    add column erasures integer not null default 0,
    -- When the newest of its rows came; null: when it was written.
    add column ingested_at timestamptz`

const views = `
  alter table view
    -- Its key, or what it aggregates, has changed: its rows are written anew to the online store.
    add column building boolean not null default false,
    -- How many of its entities were erased.
    add column erasures integer not null default 0`

const erasures = `
  create table erasure (
    view_id integer not null references view (id) on delete cascade on update cascade,
    number integer not null,
    -- [[field, value as text], …]; null once nothing holds the entity any more.
    entity jsonb,
    fields jsonb not null,
    -- Of the encoded key, in hex: rows that come late are known by it.
    key_sha256 text not null,
    -- Rows with an event time up to here, in Unix ms, are gone.
    erased_at bigint not null,
    deadline timestamptz not null,
    asked_by text not null,
    flagged jsonb not null,
    done_at timestamptz,
    primary key (view_id, number)
  )`

const versions = `
  create table dataset_version (
    namespace text not null,
    model text not null,
    version text not null,
    dataset text,
    dataset_hash text not null,
    primary key (namespace, model, version)
  )`
