import { type MigrationInterface, type QueryRunner } from 'typeorm'

export class FeatureStore1764000100000 implements MigrationInterface {
  name = 'FeatureStore1764000100000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [
      views,
      revisions,
      partitions,
      watermarks,
      segments,
      ranges,
      rejects,
      payloads,
      ripeness,
      datasets,
      spines,
      findings,
    ]) {
      await runner.query(statement)
    }
    await runner.query('create unique index view_by_name on view (namespace, name) where deleted_at is null')
    await runner.query('create index segment_by_view on segment (view_id, id) where dropped_at is null')
    await runner.query('create index segment_dropped on segment (dropped_at) where dropped_at is not null')
    await runner.query('create index segment_range_by_place on segment_range (topic, partition, from_offset)')
    await runner.query('create index rejected_by_view on rejected (view_id, id)')
    await runner.query('create index rejected_payload_by_view on rejected_payload (view_id, rejected_at)')
    await runner.query(`create index dataset_building on dataset (created_at) where state = 'building'`)
    await runner.query('create unique index dataset_by_run on dataset (run) where run is not null')
    await runner.query('create unique index finding_open on finding (view_id, type) where closed_at is null')
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'drop table finding, spine, dataset, ripeness, rejected_payload, rejected, segment_range, segment, watermark_log, view_partition, view_revision, view',
    )
  }
}

const views = `
  create table view (
    id integer generated always as identity primary key,
    namespace text not null,
    name text not null,
    revision integer not null,
    halted boolean not null default false,
    -- Counts the rebuilds of the online store; a write that began before one does not count.
    online_generation integer not null default 1,
    -- Counts the replays; what was derived from the segments of an older one is void.
    history_generation integer not null default 1,
    watermark bigint,
    accepted bigint not null default 0,
    rejected bigint not null default 0,
    deleted bigint not null default 0,
    ignored bigint not null default 0,
    with_unknown_fields bigint not null default 0,
    last_row_at bigint,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
  )`

const revisions = `
  create table view_revision (
    view_id integer not null references view (id) on delete cascade,
    revision integer not null,
    spec jsonb not null,
    primary key (view_id, revision)
  )`

const partitions = `
  create table view_partition (
    view_id integer not null references view (id) on delete cascade,
    topic text not null,
    partition integer not null,
    high bigint,
    last_record_at bigint,
    end_offset bigint not null default 0,
    -- The first epoch whose offsets are those of the topic as it is now.
    floor_epoch integer not null default 0,
    primary key (view_id, topic, partition)
  )`

const watermarks = `
  create table watermark_log (
    id bigint generated always as identity,
    view_id integer not null references view (id) on delete cascade,
    watermark bigint not null,
    -- [[partition, epoch, next offset], …] when the watermark was that.
    cursors jsonb not null,
    primary key (view_id, id)
  )`

const segments = `
  create table segment (
    id bigint generated always as identity primary key,
    view_id integer not null,
    file text not null unique,
    revision integer not null,
    rows integer not null,
    deletes integer not null,
    bytes bigint not null,
    sha256 text not null,
    min_event_time bigint,
    max_event_time bigint,
    created_at timestamptz not null default now(),
    dropped_at timestamptz
  )`

const ranges = `
  create table segment_range (
    segment_id bigint not null references segment (id) on delete cascade,
    topic text not null,
    partition integer not null,
    epoch integer not null,
    from_offset bigint not null,
    to_offset bigint not null,
    primary key (segment_id, topic, partition, epoch)
  )`

const rejects = `
  create table rejected (
    id bigint generated always as identity primary key,
    view_id integer not null references view (id) on delete cascade,
    topic text not null,
    partition integer not null,
    epoch integer not null,
    code text not null,
    field text,
    offsets bigint[] not null,
    rejected_at timestamptz not null default now()
  )`

const payloads = `
  create table rejected_payload (
    view_id integer not null references view (id) on delete cascade,
    topic text not null,
    partition integer not null,
    epoch integer not null,
    record_offset bigint not null,
    code text not null,
    field text,
    message text,
    key bytea,
    value bytea,
    rejected_at timestamptz not null default now(),
    primary key (view_id, topic, partition, epoch, record_offset)
  )`

const ripeness = `
  create table ripeness (
    namespace text not null,
    model text not null,
    revision integer not null,
    ripe bigint not null,
    labelled bigint not null,
    cutoff bigint not null,
    primary key (namespace, model)
  )`

const datasets = `
  create table dataset (
    id text primary key,
    namespace text not null,
    model text,
    revision integer,
    run text,
    cause jsonb,
    request jsonb not null,
    state text not null check (state in ('building', 'built', 'failed')),
    step text not null default 'waiting',
    snapshot jsonb,
    wait_until timestamptz,
    result jsonb,
    error jsonb,
    attempts integer not null default 0,
    not_before timestamptz not null default now(),
    created_at timestamptz not null default now(),
    ended_at timestamptz
  )`

const spines = `
  create table spine (
    sha256 text primary key,
    format text not null check (format in ('parquet', 'csv')),
    bytes bigint not null,
    columns jsonb not null,
    rows bigint not null,
    created_at timestamptz not null default now()
  )`

const findings = `
  create table finding (
    id text primary key,
    episode text not null,
    view_id integer not null references view (id) on delete cascade,
    type text not null,
    data jsonb not null,
    opened_at timestamptz not null default now(),
    closed_at timestamptz
  )`
