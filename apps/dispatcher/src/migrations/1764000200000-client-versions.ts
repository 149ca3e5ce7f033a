import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Versions that clients registered by hand, until a run has taken them up. */
export class ClientVersions1764000200000 implements MigrationInterface {
  readonly name = 'ClientVersions1764000200000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table client_version (
        namespace text not null,
        model text not null,
        version text not null,
        cause jsonb not null,
        position bigint generated always as identity,
        primary key (namespace, model, version)
      )
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table client_version')
  }
}
