import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** What each version of a model reads, as it was registered: features by name, never changed. */
export class FeatureServices1764000710000 implements MigrationInterface {
  name = 'FeatureServices1764000710000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table feature_service (
        namespace text not null,
        model text not null,
        version text not null,
        revision int not null,
        features text[],
        primary key (namespace, model, version)
      )`)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table feature_service')
  }
}
