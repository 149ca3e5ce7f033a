import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Secrets of webhooks as they are kept from now on: encrypted with a key that is not in the database. The registry seals what is there when it starts. */
export class SealedSecrets1764000800000 implements MigrationInterface {
  name = 'SealedSecrets1764000800000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table webhook add column sealed text')
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table webhook drop column sealed')
  }
}
