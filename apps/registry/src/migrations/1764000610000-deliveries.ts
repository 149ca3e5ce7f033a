import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Webhooks, and what has to be sent to other systems: written with what it tells, in the same transaction. */
export class Deliveries1764000610000 implements MigrationInterface {
  readonly name = 'Deliveries1764000610000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table webhook (
        webhook_id text primary key,
        name text not null,
        description text,
        url text not null,
        secret text,
        events jsonb not null,
        status text not null,
        failures int not null default 0,
        creation_timestamp bigint not null,
        last_updated_timestamp bigint not null
      );
      create table delivery (
        position bigint generated always as identity primary key,
        id uuid not null unique default gen_random_uuid(),
        target text not null,
        body text not null,
        state text not null default 'waiting',
        attempts int not null default 0,
        created_at timestamptz not null default clock_timestamp(),
        next_at timestamptz not null default clock_timestamp(),
        answer text
      );
      create index delivery_due on delivery (target, position) where state = 'waiting';
      create index delivery_over on delivery (next_at) where state <> 'waiting';
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table delivery; drop table webhook')
  }
}
