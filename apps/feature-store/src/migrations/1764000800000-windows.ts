import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Rows of windowed views that come when no window can reach them any more are offline alone, and counted. */
export class Windows1764000800000 implements MigrationInterface {
  name = 'Windows1764000800000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table view add column too_late bigint not null default 0')
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table view drop column too_late')
  }
}
