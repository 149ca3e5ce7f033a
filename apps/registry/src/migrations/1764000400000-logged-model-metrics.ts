import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** Metrics of logged models apart from the history of their run: a client logs them twice, and a history must hold a point once. */
export class LoggedModelMetrics1764000400000 implements MigrationInterface {
  readonly name = 'LoggedModelMetrics1764000400000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table logged_model_metric (
        model_id text not null,
        run_id text not null references run on delete cascade,
        key text not null,
        step bigint not null,
        timestamp bigint not null,
        value float8 not null,
        is_nan boolean not null,
        primary key (model_id, run_id, key)
      );
      insert into logged_model_metric
        select distinct on (model_id, run_id, key) model_id, run_id, key, step, timestamp, value, is_nan
          from metric where model_id <> '' order by model_id, run_id, key, step desc, timestamp desc, value desc;
      create table metric_once as select distinct run_id, key, step, timestamp, value, is_nan from metric;
      truncate metric;
      alter table metric drop constraint metric_pkey;
      alter table metric drop column model_id;
      insert into metric select * from metric_once;
      drop table metric_once;
      alter table metric add primary key (run_id, key, step, timestamp, value, is_nan);
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table metric drop constraint metric_pkey;
      alter table metric add column model_id text not null default '';
      alter table metric add primary key (run_id, key, step, timestamp, value, is_nan, model_id);
      drop table logged_model_metric;
    `)
  }
}
