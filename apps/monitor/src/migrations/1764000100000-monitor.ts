import { type MigrationInterface, type QueryRunner } from 'typeorm'

export class Monitor1764000100000 implements MigrationInterface {
  name = 'Monitor1764000100000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [models, versions, windows, findings, predictions, joins, viewRows]) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'drop table view_rows, label_join, prediction, finding, version_window, watched_version, watched_model; drop sequence prediction_seq',
    )
  }
}

const models = `
  create table watched_model (
    model text primary key,
    namespace text not null,
    name text not null,
    champion text,
    candidate text,
    -- Data time: the latest prediction seen.
    seen_up_to timestamptz,
    ripe bigint,
    labelled bigint,
    -- Up to where labels are ripe, and the event that said so.
    cutoff timestamptz,
    cutoff_cause jsonb,
    -- Up to where the labels of predictions are here, and up to where somebody waits for them.
    joined_up_to timestamptz,
    wanted_up_to timestamptz,
    -- Predictions up to this seq were asked for; later ones of a time that is joined already are late.
    joined_seq bigint not null default 0,
    late boolean not null default false,
    -- Something has changed since findings were last judged.
    dirty boolean not null default true
  )`

const versions = `
  create table watched_version (
    model text not null,
    version text not null,
    -- 'unknown': its profile was not asked for yet; 'warming': there is none, its first rows become it.
    state text not null default 'unknown' check (state in ('unknown', 'warming', 'profiled')),
    reference jsonb,
    profile_sha256 text,
    cutoff timestamptz,
    holdout jsonb,
    calibrator jsonb,
    primary key (model, version)
  )`

const windows = `
  create table version_window (
    model text not null,
    version text not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    rows bigint not null,
    errors bigint not null,
    summary jsonb not null,
    -- Skew and confusion by group, summed over the joins that touched the window.
    joined jsonb,
    performance jsonb,
    estimate jsonb,
    -- Rows or labels have come since they were computed.
    performance_due boolean not null default true,
    updated_at timestamptz not null default now(),
    primary key (model, version, from_at, to_at)
  )`

const findings = `
  create table finding (
    finding text primary key,
    episode text not null,
    by_app text not null,
    namespace text not null,
    model text,
    view text,
    type text not null,
    version text,
    data jsonb not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    reason text
  );
  create unique index finding_open on finding (namespace, model, type, version) where closed_at is null and by_app = 'monitor';
  create index finding_by_model on finding (namespace, model, opened_at desc)`

const predictions = `
  create sequence prediction_seq;
  create table prediction (
    kept_on date not null,
    seq bigint not null default nextval('prediction_seq'),
    model text not null,
    version text not null,
    role text not null,
    id text not null,
    at timestamptz not null,
    unit text not null,
    bucket integer,
    propensity float8 not null,
    entities jsonb not null,
    features jsonb not null,
    output jsonb,
    probability jsonb,
    error text,
    rollout text,
    step bigint,
    label jsonb,
    primary key (kept_on, seq)
  ) partition by range (kept_on);
  create index prediction_by_time on prediction (model, at)`

const joins = `
  create table label_join (
    model text primary key,
    from_at timestamptz,
    -- Also earlier predictions that were kept after this one: those that came too late for the join before; null: there are none.
    late_from_seq bigint,
    to_at timestamptz not null,
    -- Predictions up to here are in the spine.
    up_to_seq bigint not null,
    dataset text,
    attempts integer not null default 0,
    not_before timestamptz not null default now(),
    started_at timestamptz not null default now()
  )`

const viewRows = `
  create table view_rows (
    namespace text not null,
    view text not null,
    -- Data time, by the view's watermark, to the hour.
    hour timestamptz not null,
    accepted bigint not null default 0,
    rejected bigint not null default 0,
    primary key (namespace, view, hour)
  )`
