import { type Database, type Tx } from '@cascata/messaging'
import { type Run, type RunDetails, type RunState } from './run.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

const columns = `id, namespace, model, revision::float8 as revision, state, trigger, causes, episode, priority, spec, inputs,
  caused_by as "causedBy", requested_at as "requestedAt", started_at as "startedAt", ended_at as "endedAt", stage_at as "stageAt",
  attempt, awaiting, cancel, token, fingerprint, dataset, details, failure, version`

type Row = Omit<Run, 'requestedAt' | 'startedAt' | 'endedAt' | 'stageAt'> & {
  requestedAt: Date
  startedAt: Date | null
  endedAt: Date | null
  stageAt: Date
}

const toRun = (row: Row): Run => ({
  ...row,
  requestedAt: row.requestedAt.toISOString(),
  startedAt: row.startedAt?.toISOString() ?? null,
  endedAt: row.endedAt?.toISOString() ?? null,
  stageAt: row.stageAt.toISOString(),
})

export type NewRun = Pick<
  Run,
  'id' | 'namespace' | 'model' | 'revision' | 'trigger' | 'causes' | 'episode' | 'priority' | 'spec' | 'inputs' | 'token'
>

export async function insertRun(tx: Tx, run: NewRun, now: Date): Promise<void> {
  await tx.query(
    `insert into run (id, namespace, model, revision, state, trigger, causes, episode, priority, spec, inputs, token, requested_at, stage_at)
     values ($1, $2, $3, $4, 'requested', $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
    [
      run.id,
      run.namespace,
      run.model,
      run.revision,
      run.trigger,
      JSON.stringify(run.causes),
      run.episode,
      run.priority,
      JSON.stringify(run.spec),
      JSON.stringify(run.inputs),
      run.token,
      now,
    ],
  )
}

export async function findRun(db: Executor, id: string): Promise<Run | undefined> {
  const rows = await db.query<Row>(`select ${columns} from run where id = $1`, [id])
  return rows[0] && toRun(rows[0])
}

/** Takes hold of a run until the end of the transaction. Lock its model first. */
export async function lockRun(tx: Tx, id: string): Promise<Run | undefined> {
  const rows = await tx.query<Row>(`select ${columns} from run where id = $1 for update`, [id])
  return rows[0] && toRun(rows[0])
}

export async function newestRuns(
  db: Executor,
  filter: { namespace?: string; model?: string; state?: string; limit: number },
): Promise<Run[]> {
  const rows = await db.query<Row>(
    `select ${columns} from run
     where ($1::text is null or namespace = $1) and ($2::text is null or model = $2) and ($3::text is null or state = $3)
     order by position desc limit $4`,
    [filter.namespace ?? null, filter.model ?? null, filter.state ?? null, filter.limit],
  )
  return rows.map(toRun)
}

export async function runsIn(db: Executor, states: readonly RunState[]): Promise<Run[]> {
  const rows = await db.query<Row>(`select ${columns} from run where state = any($1) and not awaiting order by position`, [
    [...states],
  ])
  return rows.map(toRun)
}

/** Runs that may start, the next one first: by priority, then by how little its namespace has at work, then by age. */
export async function startable(db: Executor): Promise<Run[]> {
  const rows = await db.query<Row>(
    `with working as (select namespace, model from run where state in ('building', 'training', 'gating', 'refitting') and not awaiting)
     select ${columns} from run
     where state = 'requested' and (namespace, model) not in (select namespace, model from working)
     order by priority desc, (select count(*) from working where working.namespace = run.namespace), position`,
  )
  return rows.map(toRun)
}

export async function countWorking(db: Executor): Promise<number> {
  const rows = await db.query<{ count: number }>(
    `select count(*)::int as count from run where state in ('building', 'training', 'gating', 'refitting') and not awaiting`,
  )
  return rows[0]?.count ?? 0
}

/** An earlier run of the same dataset, code, parameters and seed that came to a verdict. */
export async function runAlike(db: Executor, { id, namespace, model }: Run, fingerprint: string): Promise<string | undefined> {
  const rows = await db.query<{ id: string }>(
    `select id from run where namespace = $1 and model = $2 and fingerprint = $3 and id <> $4 and state in ('approved', 'rejected')
     order by position desc limit 1`,
    [namespace, model, fingerprint, id],
  )
  return rows[0]?.id
}

export type Change = Partial<
  Pick<
    Run,
    | 'state'
    | 'attempt'
    | 'awaiting'
    | 'cancel'
    | 'fingerprint'
    | 'version'
    | 'causedBy'
    | 'dataset'
    | 'failure'
    | 'causes'
    | 'trigger'
    | 'revision'
    | 'priority'
    | 'spec'
    | 'inputs'
  >
> & {
  startedAt?: Date
  endedAt?: Date
  stageAt?: Date
}

const named: Record<keyof Change, string> = {
  state: 'state',
  attempt: 'attempt',
  awaiting: 'awaiting',
  cancel: 'cancel',
  fingerprint: 'fingerprint',
  version: 'version',
  causedBy: 'caused_by',
  dataset: 'dataset',
  failure: 'failure',
  causes: 'causes',
  trigger: 'trigger',
  revision: 'revision',
  priority: 'priority',
  spec: 'spec',
  inputs: 'inputs',
  startedAt: 'started_at',
  endedAt: 'ended_at',
  stageAt: 'stage_at',
}
const asJson = new Set<keyof Change>(['causedBy', 'dataset', 'failure', 'causes', 'spec', 'inputs'])

/** Changes a run; `details` are merged into those it has. */
export async function updateRun(db: Executor, id: string, change: Change, details: RunDetails = {}): Promise<void> {
  const entries = Object.entries(change) as [keyof Change, unknown][]
  const sets = entries.map(([name], at) => `${named[name]} = $${at + 3}`)
  const values = entries.map(([name, value]) => (asJson.has(name) && value !== null ? JSON.stringify(value) : value))
  await db.query(`update run set details = details || $2${sets.map((set) => `, ${set}`).join('')} where id = $1`, [
    id,
    JSON.stringify(details),
    ...values,
  ])
}
