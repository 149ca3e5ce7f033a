import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** A run rests on a revision of its model; the topic of specs keeps the newest one only. */
export class ModelRevisions1764000200000 implements MigrationInterface {
  name = 'ModelRevisions1764000200000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table model_revision (
        namespace text not null,
        name text not null,
        revision integer not null,
        spec jsonb not null,
        primary key (namespace, name, revision)
      )`)
    await runner.query(`
      insert into model_revision (namespace, name, revision, spec)
      select data->>'namespace', data->>'name', (data->>'revision')::integer, data->'spec'
        from latest where topic = 'cascata.specs' and data->>'kind' = 'Model' and data ? 'spec'`)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table model_revision')
  }
}
