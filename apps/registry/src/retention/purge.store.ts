import { type Database, type Tx } from '@cascata/messaging'
import { record } from '../audit/audit.store.ts'

/** Runs that are removed in one transaction. */
const batch = 200

/** Runs whose time is over, and that no version and no kept logged model rests on. */
const overdueRuns = `
  select r.run_id, r.experiment_id, e.namespace from run r join experiment e on e.id = r.experiment_id
   where r.deleted_at < $1
     and not exists (select 1 from model_version v where v.run = r.run_id and v.purged is null)
     and not exists (select 1 from logged_model m join model_version v on v.source like 'models:/' || m.model_id || '%'
                      where m.source_run_id = r.run_id and v.purged is null)
   order by r.run_id limit ${batch} for update of r skip locked`

/** Removes runs with all they logged; their blobs are collected when nothing else refers to them. */
const purgeRuns = async (tx: Tx, before: Date): Promise<number> => {
  const runs = await tx.query<{ run_id: string; experiment_id: string; namespace: string }>(overdueRuns, [before])
  for (const { run_id, experiment_id, namespace } of runs) {
    const models = await tx.query<{ model_id: string }>('delete from logged_model where source_run_id = $1 returning model_id', [
      run_id,
    ])
    const roots = [`${experiment_id}/${run_id}/`, ...models.map(({ model_id }) => `${experiment_id}/models/${model_id}/`)]
    for (const root of roots) await tx.query('delete from artifact where starts_with(path, $1)', [root])
    await tx.query('delete from run where run_id = $1', [run_id])
    await record(tx, { who: 'registry', action: 'run.purged', namespace, subject: `run/${run_id}` })
  }
  return runs.length
}

/** Removes experiments that are empty by now; the first one, `Default`, stays. */
const purgeExperiments = async (tx: Tx, before: Date): Promise<void> => {
  const gone = await tx.query<{ id: string; namespace: string; name: string }>(
    `delete from experiment e where deleted_at < $1 and id <> 0 and not exists (select 1 from run where experiment_id = e.id)
        and not exists (select 1 from logged_model where experiment_id = e.id)
      returning id, namespace, name`,
    [before],
  )
  for (const { id, namespace, name } of gone)
    await record(tx, { who: 'registry', action: 'experiment.purged', namespace, subject: `experiment/${id}`, details: { name } })
}

/** Removes what was deleted before a time and what nothing rests on. Returns the number of runs. */
export const purgeDeleted = async (db: Database, before: Date, signal?: AbortSignal): Promise<number> => {
  let purged = 0
  while (!signal?.aborted) {
    const gone = await db.transaction((tx) => purgeRuns(tx, before))
    purged += gone
    if (gone < batch) break
  }
  await db.transaction((tx) => purgeExperiments(tx, before))
  return purged
}
