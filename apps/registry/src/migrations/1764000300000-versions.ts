import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Model versions, and what they come from. */
export class Versions1764000300000 implements MigrationInterface {
  readonly name = 'Versions1764000300000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table registered_model (
        name text primary key,
        namespace text not null,
        model text not null,
        description text not null default '',
        last_version bigint not null default 0,
        creation_time bigint not null,
        last_updated_time bigint not null,
        unique (namespace, model)
      );
      create table registered_model_tag (
        name text not null references registered_model on update cascade on delete cascade,
        key text not null,
        value text not null,
        primary key (name, key)
      );
      create table model_version (
        namespace text not null,
        model text not null,
        version bigint not null,
        origin text not null,
        run text,
        dataset text,
        dataset_hash text,
        code text,
        model_sha256 text references blob,
        inputs jsonb,
        signature jsonb,
        golden_sha256 text references blob,
        profile_sha256 text references blob,
        evidence_sha256 text,
        revision bigint,
        cutoff timestamptz,
        state text not null default 'registered',
        verdict jsonb,
        source text not null default '',
        description text not null default '',
        user_id text not null default '',
        creation_time bigint not null,
        last_updated_time bigint not null,
        primary key (namespace, model, version)
      );
      create unique index model_version_run on model_version (namespace, model, run) where origin = 'platform';
      create index model_version_by_run on model_version (run);
      create table model_version_tag (
        namespace text not null,
        model text not null,
        version bigint not null,
        key text not null,
        value text not null,
        primary key (namespace, model, version, key),
        foreign key (namespace, model, version) references model_version on delete cascade
      );

      create table training (
        run text primary key,
        namespace text not null,
        model text not null,
        revision bigint not null,
        trigger text not null,
        causes jsonb not null,
        correlation_id text not null,
        requested_at timestamptz not null,
        outcome jsonb
      );
      create index training_model on training (namespace, model, requested_at desc);
      create table dataset (
        dataset text primary key,
        run text not null,
        namespace text not null,
        model text not null,
        hash text not null,
        rows bigint not null,
        snapshot jsonb not null,
        cutoff timestamptz not null,
        split jsonb not null,
        built_at timestamptz not null
      );
      create index dataset_run on dataset (run);
      create table version_step (
        event_id text primary key,
        namespace text not null,
        model text not null,
        version bigint not null,
        type text not null,
        at timestamptz not null,
        summary jsonb not null
      );
      create index version_step_version on version_step (namespace, model, version, at);
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    const tables = 'version_step dataset training model_version_tag model_version registered_model_tag registered_model'
    for (const table of tables.split(' ')) await runner.query(`drop table ${table}`)
  }
}
