import { type MigrationInterface, type QueryRunner } from 'typeorm'

/** What versions were made with, what serves, what is deleted for a while; and every place that refers to a blob. */
export class Records1764000600000 implements MigrationInterface {
  readonly name = 'Records1764000600000'

  /** A run that a client deletes is stamped by a trigger: whoever writes the stage, its time is right. */
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table model_version add column record jsonb;
      alter table model_version add column deleted_at timestamptz;
      alter table model_version add column purged jsonb;
      alter table training add column evidence_sha256 text references blob;
      alter table dataset add column profile jsonb;

      create table route (
        namespace text not null,
        model text not null,
        generation bigint not null,
        at timestamptz not null,
        said jsonb not null,
        primary key (namespace, model)
      );

      alter table experiment add column deleted_at timestamptz;
      alter table run add column deleted_at timestamptz;
      create function stamp_deletion() returns trigger language plpgsql as $$
        begin
          if new.lifecycle_stage = 'deleted' then new.deleted_at := coalesce(old.deleted_at, clock_timestamp());
          else new.deleted_at := null; end if;
          return new;
        end $$;
      create trigger run_deletion before update of lifecycle_stage on run for each row execute function stamp_deletion();
      create trigger experiment_deletion before update of lifecycle_stage on experiment for each row execute function stamp_deletion();
      update run set deleted_at = clock_timestamp() where lifecycle_stage = 'deleted';
      update experiment set deleted_at = clock_timestamp() where lifecycle_stage = 'deleted';
      create index run_deleted on run (deleted_at) where deleted_at is not null;

      create view referenced_blob as
        select sha256 from artifact
        union all select model_sha256 from model_version where model_sha256 is not null
        union all select golden_sha256 from model_version where golden_sha256 is not null
        union all select profile_sha256 from model_version where profile_sha256 is not null
        union all select evidence_sha256 from model_version where evidence_sha256 is not null
        union all select record->>'diffSha256' from model_version where record->>'diffSha256' is not null
        union all select evidence_sha256 from training where evidence_sha256 is not null;
      create index artifact_blob on artifact (sha256);
      create index model_version_blobs on model_version (model_sha256);
      create index blob_age on blob (created_at);
    `)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop index blob_age; drop index model_version_blobs; drop index artifact_blob; drop view referenced_blob; drop index run_deleted;
      drop trigger experiment_deletion on experiment; drop trigger run_deletion on run; drop function stamp_deletion;
      alter table run drop column deleted_at; alter table experiment drop column deleted_at; drop table route;
      alter table dataset drop column profile; alter table training drop column evidence_sha256;
      alter table model_version drop column purged; alter table model_version drop column deleted_at;
      alter table model_version drop column record;
    `)
  }
}
