import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Resources with every revision, and the record of who did what. */
export class Resources1764000100000 implements MigrationInterface {
  readonly name = 'Resources1764000100000'

  /** Documents are `json`, not `jsonb`: they keep the order in which their author wrote the fields. */
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table resource (
        kind text not null,
        namespace text not null,
        name text not null,
        generation bigint not null,
        revision bigint not null,
        deleted boolean not null default false,
        document json not null,
        commit text,
        applied_at timestamptz not null,
        applied_by text not null,
        primary key (kind, namespace, name)
      );
      create table resource_revision (
        kind text not null,
        namespace text not null,
        name text not null,
        revision bigint not null,
        document json not null,
        commit text,
        applied_at timestamptz not null,
        applied_by text not null,
        primary key (kind, namespace, name, revision)
      );
      create table audit (
        id bigint generated always as identity primary key,
        at timestamptz not null default clock_timestamp(),
        who text not null,
        action text not null,
        namespace text not null,
        subject text not null,
        details jsonb not null default '{}'
      );
      create index audit_subject on audit (namespace, subject, id);
      create function audit_is_append_only() returns trigger language plpgsql as $$
        begin raise exception 'the audit log is append-only'; end $$;
      create trigger audit_append_only before update or delete on audit for each row execute function audit_is_append_only();
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table audit; drop function audit_is_append_only; drop table resource_revision; drop table resource`)
  }
}
