import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** The fact that a version was registered: what is said of the version later, by a person, names it as its cause. */
export class Registrations1764000720000 implements MigrationInterface {
  name = 'Registrations1764000720000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table model_version add column registration jsonb')
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table model_version drop column registration')
  }
}
