import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Aliases and stages of versions; models and versions that clients delete are hidden, not forgotten. */
export class Aliases1764000650000 implements MigrationInterface {
  readonly name = 'Aliases1764000650000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table registered_model_alias (
        name text not null references registered_model on update cascade on delete cascade,
        alias text not null,
        version bigint not null,
        primary key (name, alias)
      );
      alter table registered_model add column deleted_at timestamptz;
      alter table model_version add column if not exists deleted_at timestamptz;
      alter table model_version add column stage text not null default 'None';
      alter table model_version_tag drop constraint model_version_tag_namespace_model_version_fkey;
      alter table model_version_tag add constraint model_version_tag_version
        foreign key (namespace, model, version) references model_version on update cascade on delete cascade;
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table model_version drop column stage;
      alter table registered_model drop column deleted_at;
      drop table registered_model_alias;
    `)
  }
}
