import { type MigrationInterface, type QueryRunner } from 'typeorm'

/**
 * Metrics beside the experiment of their run, so that one index gives the runs of an experiment in the order of a metric;
 * and params that the table itself keeps from changing, so that a batch is one statement.
 */
export class SearchingRuns1764000510000 implements MigrationInterface {
  readonly name = 'SearchingRuns1764000510000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table latest_metric add column experiment_id bigint;
      update latest_metric set experiment_id = run.experiment_id from run where run.run_id = latest_metric.run_id;
      alter table latest_metric alter column experiment_id set not null;
      drop index latest_metric_value;
      create index latest_metric_order on latest_metric (experiment_id, key, is_nan, value);

      create function run_param_is_immutable() returns trigger language plpgsql as $$
        begin raise exception 'a param never changes' using errcode = 'CP001'; end $$;
      create trigger run_param_immutable before update on run_param for each row execute function run_param_is_immutable();
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger run_param_immutable on run_param;
      drop function run_param_is_immutable;
      drop index latest_metric_order;
      create index latest_metric_value on latest_metric (key, value);
      alter table latest_metric drop column experiment_id;
    `)
  }
}
