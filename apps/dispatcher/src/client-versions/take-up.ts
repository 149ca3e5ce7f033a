import { type TrainingCause } from '@cascata/events'
import { type Tx } from '@cascata/messaging'
import { randomBytes } from 'node:crypto'
import { lockModel } from '../models/models.store.ts'
import { inputsNow, modelSpec } from '../models/specs.ts'
import { insertRun, updateRun } from '../runs/runs.store.ts'
import { type Tools } from '../runs/tools.ts'

interface Waiting {
  namespace: string
  model: string
  version: string
  cause: TrainingCause
  [more: string]: unknown
}

/** Makes runs of versions that clients registered, one a model at a time, beside no other pending run. */
export async function takeUpClientVersions({ db, clock }: Tools): Promise<void> {
  const waiting = await db.query<Waiting>(
    `select distinct on (namespace, model) namespace, model, version, cause from client_version
     where not exists (select from run where run.namespace = client_version.namespace and run.model = client_version.model
       and run.state = 'requested')
     order by namespace, model, position`,
  )
  for (const each of waiting) await db.transaction((tx) => takeUp(tx, each, clock.now()))
}

async function takeUp(tx: Tx, { namespace, model, version, cause }: Waiting, now: number): Promise<void> {
  const state = await lockModel(tx, { namespace, model })
  const spec = state && (await modelSpec(tx, { namespace, model }))
  if (state?.queued) return
  await tx.query('delete from client_version where namespace = $1 and model = $2 and version = $3', [namespace, model, version])
  if (!state || !spec) return
  const run = {
    id: `r-${now.toString(36)}-${randomBytes(4).toString('hex')}`,
    namespace,
    model,
    revision: state.revision,
    trigger: 'manual' as const,
    causes: [cause],
    episode: null,
    priority: spec.spec.priority,
    spec: spec.spec,
    inputs: await inputsNow(tx, spec),
    token: randomBytes(24).toString('base64url'),
  }
  await insertRun(tx, run, new Date(now))
  await updateRun(tx, run.id, { version }, { registered: { version } })
}
