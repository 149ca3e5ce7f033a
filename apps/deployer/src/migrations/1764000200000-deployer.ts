import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** What serves, how it came so, and what rollouts have seen. */
export class Deployer1764000200000 implements MigrationInterface {
  name = 'Deployer1764000200000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table deployment (
        namespace text not null,
        model text not null,
        revision integer,
        plan jsonb,
        deleted boolean not null default false,
        champion text,
        history text[] not null default '{}',
        last_rollout text,
        cutoff bigint,
        route jsonb,
        generation bigint not null default 0,
        primary key (namespace, model)
      )`)
    await runner.query(`
      create table version (
        namespace text not null,
        model text not null,
        version text not null,
        standing text not null,
        loaded boolean not null,
        findings jsonb not null,
        primary key (namespace, model, version)
      )`)
    await runner.query(`
      create table rollout (
        id text primary key,
        namespace text not null,
        model text not null,
        version text not null,
        champion text,
        comparison text not null,
        plan jsonb,
        state text not null,
        phase jsonb not null,
        evidence jsonb not null,
        cause jsonb,
        randomised_from bigint,
        randomised_to bigint,
        created_at timestamptz not null default now(),
        changed_at timestamptz not null default now()
      )`)
    await runner.query(`
      create unique index rollout_under_way on rollout (namespace, model)
        where state in ('shadow', 'step', 'held', 'paused', 'baking')`)
    await runner.query(`create unique index rollout_waiting on rollout (namespace, model) where state = 'pending'`)
    await runner.query('create index rollout_by_model on rollout (namespace, model, created_at desc)')
    await runner.query(`
      create table step_statistics (
        rollout text not null,
        step integer not null,
        version text not null,
        requests bigint not null,
        errors bigint not null,
        units bigint not null,
        assigned bigint not null,
        latency jsonb not null,
        scores jsonb not null,
        primary key (rollout, step, version)
      )`)
    await runner.query(`
      create table step_pairs (
        rollout text not null,
        step integer not null,
        n bigint not null,
        only_candidate_failed bigint not null,
        only_champion_failed bigint not null,
        differ bigint not null,
        distance double precision not null,
        primary key (rollout, step)
      )`)
    await runner.query(`
      create table step_unit (
        rollout text not null,
        step integer not null,
        version text not null,
        assigned boolean not null,
        unit bigint not null,
        primary key (rollout, step, version, assigned, unit)
      )`)
    await runner.query(`
      create table half_pair (
        rollout text not null,
        step integer not null,
        prediction text not null,
        candidate boolean not null,
        failed boolean not null,
        output text not null,
        score double precision,
        position bigint generated always as identity,
        primary key (rollout, step, prediction, candidate)
      )`)
    await runner.query('create index half_pair_position on half_pair (position)')
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['half_pair', 'step_unit', 'step_pairs', 'step_statistics', 'rollout', 'version', 'deployment'])
      await runner.query(`drop table ${table}`)
  }
}
