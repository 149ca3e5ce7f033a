import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Nothing here forbids a second effect: a test must be able to see one. */
export class Effects1764000000001 implements MigrationInterface {
  name = 'Effects1764000000001'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create table effect (position bigserial primary key, handler text, key text, n int, event_id text, cause text)',
    )
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table effect')
  }
}
