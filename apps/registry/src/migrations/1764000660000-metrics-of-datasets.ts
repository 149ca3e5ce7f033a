import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** On which dataset a logged model was measured: one figure a dataset, not one for all. */
export class MetricsOfDatasets1764000660000 implements MigrationInterface {
  readonly name = 'MetricsOfDatasets1764000660000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table logged_model_metric add column dataset_name text not null default '', add column dataset_digest text not null default '';
      alter table logged_model_metric drop constraint logged_model_metric_pkey;
      alter table logged_model_metric add primary key (model_id, run_id, key, dataset_name, dataset_digest);
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      delete from logged_model_metric where dataset_name <> '' or dataset_digest <> '';
      alter table logged_model_metric drop constraint logged_model_metric_pkey;
      alter table logged_model_metric drop column dataset_name, drop column dataset_digest;
      alter table logged_model_metric add primary key (model_id, run_id, key);
    `)
  }
}
