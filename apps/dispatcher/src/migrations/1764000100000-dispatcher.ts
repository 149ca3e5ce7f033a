import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Models with the state that decides about their trainings, and runs. */
export class Dispatcher1764000100000 implements MigrationInterface {
  readonly name = 'Dispatcher1764000100000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table training_model (
        namespace text not null,
        model text not null,
        priority integer not null default 0,
        state jsonb not null,
        wake_at timestamptz,
        labels_then jsonb,
        good_profile jsonb,
        primary key (namespace, model)
      );
      create index training_model_wake on training_model (wake_at) where wake_at is not null;
      create table early_labels (
        namespace text not null,
        model text not null,
        cause jsonb not null,
        primary key (namespace, model)
      );
      create table run (
        id text primary key,
        position bigint generated always as identity,
        namespace text not null,
        model text not null,
        revision bigint not null,
        state text not null check (state in
          ('requested', 'building', 'training', 'gating', 'refitting', 'approved', 'rejected', 'failed', 'cancelled')),
        trigger text not null,
        causes jsonb not null,
        episode text,
        priority integer not null,
        spec jsonb not null,
        inputs jsonb not null,
        caused_by jsonb,
        requested_at timestamptz not null,
        started_at timestamptz,
        ended_at timestamptz,
        stage_at timestamptz not null,
        attempt integer not null default 0,
        awaiting boolean not null default false,
        cancel text,
        token text not null,
        fingerprint text,
        dataset jsonb,
        details jsonb not null default '{}',
        failure jsonb,
        version text
      );
      create unique index run_pending on run (namespace, model) where state = 'requested';
      create unique index run_active on run (namespace, model)
        where state in ('building', 'training', 'gating', 'refitting') and not awaiting;
      create index run_newest on run (namespace, model, position desc);
      create index run_alike on run (namespace, model, fingerprint) where fingerprint is not null;
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table run, early_labels, training_model')
  }
}
