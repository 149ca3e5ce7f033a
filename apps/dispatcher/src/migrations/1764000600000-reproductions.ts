import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Versions that are made once more, to see whether they come out the same. */
export class Reproductions1764000600000 implements MigrationInterface {
  readonly name = 'Reproductions1764000600000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table reproduction (
        id text primary key,
        position bigint generated always as identity,
        namespace text not null,
        model text not null,
        version text not null,
        state text not null default 'waiting',
        asked_by text not null,
        requested_at timestamptz not null,
        ended_at timestamptz,
        result jsonb,
        failure jsonb
      );
      create index reproduction_open on reproduction (position) where ended_at is null;
      create index reproduction_version on reproduction (namespace, model, version, position desc);
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table reproduction')
  }
}
