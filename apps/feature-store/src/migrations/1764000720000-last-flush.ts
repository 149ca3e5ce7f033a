import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** The fact that told of the last rows of a view: what follows from them names it as its cause. */
export class LastFlush1764000720000 implements MigrationInterface {
  name = 'LastFlush1764000720000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table view add column last_flush text')
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table view drop column last_flush')
  }
}
