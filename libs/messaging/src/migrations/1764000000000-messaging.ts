import type { MigrationInterface, QueryRunner } from 'typeorm'

/** The tables that carry facts and rows, in the schema of each app. */
export class Messaging1764000000000 implements MigrationInterface {
  name = 'Messaging1764000000000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table outbox (
        position bigint generated always as identity primary key,
        topic text not null,
        key bytea,
        value bytea,
        headers jsonb not null,
        created_at timestamptz not null default clock_timestamp()
      )`)
    await runner.query(`
      create table inbox (
        consumer text not null,
        event_id text not null,
        seen_at timestamptz not null default now(),
        primary key (consumer, event_id)
      )`)
    await runner.query('create index inbox_seen_at on inbox using brin (seen_at)')
    await runner.query(`
      create table cursor (
        consumer text not null,
        topic text not null,
        partition integer not null,
        topic_id text not null,
        epoch integer not null,
        next_offset bigint not null,
        halted jsonb,
        primary key (consumer, topic, partition)
      )`)
    await runner.query(`
      create table parked (
        position bigint generated always as identity primary key,
        consumer text not null,
        key text not null,
        event jsonb not null,
        place jsonb not null,
        attempts integer not null,
        reason text not null,
        next_attempt timestamptz not null,
        parked_at timestamptz not null default now()
      )`)
    await runner.query('create index parked_by_key on parked (consumer, key, position)')
    await runner.query(`
      create table latest (
        topic text not null,
        key text not null,
        type text,
        generation bigint not null,
        data jsonb,
        primary key (topic, key)
      )`)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table outbox, inbox, cursor, parked, latest')
  }
}
